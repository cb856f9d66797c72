/** The IP address of a socket without an IPv4-mapped prefix; undefined when the socket is gone. */
export function normaliseAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, '');
}
