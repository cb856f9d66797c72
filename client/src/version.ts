/** What HELLO calls this software. */
export const CLIENT = 'spillway-client/0.1.0';
