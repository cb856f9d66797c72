// Sizes in bytes of UTF-8. Part of the protocol: a field past its bound is refused by every receiver.

export const MAX_CHANNEL = 255;
export const MAX_TYPE = 64;
export const MAX_ID = 64;
export const MAX_KEY = 128;
/** Six bytes of milliseconds: until the year 10889. */
export const MAX_TS = 2 ** 48 - 1;
/** A signed JWT with many claims. */
export const MAX_TOKEN = 8192;
/** Session ids, epochs, the name of the client software. */
export const MAX_LABEL = 128;
export const MAX_RESUME_TOKEN = 1024;
/** The most that a WebTransport close carries. */
export const MAX_REASON = 1024;
export const MAX_ERROR_MESSAGE = 4096;
export const MAX_ERROR_DETAILS = 16384;
/** Items of any list: lanes, names, receipts. */
export const MAX_LIST = 4096;
/** One bit per packet: 256 of them. */
export const MAX_PACKET_BITS = 32;
/** The rungs are four; room for a rung that failed in several ways. */
export const MAX_REASONS = 16;
