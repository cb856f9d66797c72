/**
 * How long the ACK of a lazy packet may wait for that of a packet that is not, ms. A lost one that none follows is sent
 * again that much later; at 30 Hz it is time enough for the next six.
 */
export const LAZY_DELAY = 200;
