/** Readings in one block at most: what a reader's columns hold. */
export const MAX_BLOCK = 4096;

/** Readings in one packet at most, whatever its size: equal readings take hardly any bytes. */
export const MAX_PACKET_READINGS = 65_536;

/** Definitions in one packet at most. */
export const MAX_DEFINITIONS = 1024;

/** Bytes of UTF-8 in the name of a series, and in its unit. */
export const MAX_NAME = 128;
export const MAX_UNIT = 32;

/** Digits after the point that a scaled integer may have. */
export const MAX_DECIMALS = 9;

/** The largest number of a series. */
export const MAX_SERIES = 2 ** 24 - 1;

/** The latest time, ms since the Unix epoch: in the year 2109; its zigzag in microseconds is a safe integer. */
export const MAX_TIME = 2 ** 42 - 1;

/** The largest scaled integer, in either direction: its zigzag is a safe integer, too. */
export const MAX_SCALED = 2 ** 52 - 1;
