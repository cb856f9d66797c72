/** Protocol numbers of IP. */
export const TCP = 6;
export const UDP = 17;

const IP_HEADER = 20;
const TCP_HEADER = 20;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

/** The protocol that an IPv4 packet carries; undefined for anything else. */
export function protocolOf(packet: Uint8Array): number | undefined {
  return packet.length >= IP_HEADER && packet[0]! >> 4 === 4 ? packet[9] : undefined;
}

/** What matters of a TCP segment here (RFC 9293 section 3.1). */
export interface Segment {
  /** Four bytes each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** What its sender expects next; undefined without the ACK flag. */
  readonly acknowledged: number | undefined;
  /** Opens a connection: SYN without ACK. */
  readonly opens: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
}

/** Reads an unfragmented TCP packet; undefined for anything else. */
export function readSegment(packet: Uint8Array): Segment | undefined {
  if (protocolOf(packet) !== TCP) return undefined;
  const header = (packet[0]! & 0x0f) * 4;
  if (packet.length < header + TCP_HEADER) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset);
  // The low 13 bits: where in the original packet this fragment belongs.
  if ((view.getUint16(6) & 0x1fff) !== 0) return undefined;
  const flags = packet[header + 13]!;
  return {
    source: packet.slice(12, 16),
    destination: packet.slice(16, 20),
    sourcePort: view.getUint16(header),
    destinationPort: view.getUint16(header + 2),
    acknowledged: flags & ACK ? view.getUint32(header + 8) : undefined,
    opens: (flags & (SYN | ACK)) === SYN,
    fin: (flags & FIN) !== 0,
    rst: (flags & RST) !== 0,
  };
}

/** Where a reset seems to come from, whom it reaches, and the sequence number that this one expects next. */
export type Reset = Pick<Segment, 'source' | 'destination' | 'sourcePort' | 'destinationPort'> & {
  readonly sequence: number;
};

/**
 * Forges a reset. Kernels take one only at exactly the number that they expect next; one elsewhere in the window
 * they answer with an ACK that names it (RFC 5961 section 3.2).
 */
export function resetPacket(reset: Reset): Uint8Array {
  const packet = new Uint8Array(IP_HEADER + TCP_HEADER);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  packet[8] = 64;
  packet[9] = TCP;
  packet.set(reset.source, 12);
  packet.set(reset.destination, 16);
  view.setUint16(10, checksum(view, 0, IP_HEADER, 0));
  view.setUint16(IP_HEADER, reset.sourcePort);
  view.setUint16(IP_HEADER + 2, reset.destinationPort);
  view.setUint32(IP_HEADER + 4, reset.sequence);
  packet[IP_HEADER + 12] = (TCP_HEADER / 4) << 4;
  packet[IP_HEADER + 13] = RST;
  // The pseudo header: both addresses, the protocol, the length of what follows.
  const pseudo = TCP + TCP_HEADER + sum(view, 12, 20);
  view.setUint16(IP_HEADER + 16, checksum(view, IP_HEADER, packet.length, pseudo));
  return packet;
}

/** RFC 1071. */
function checksum(view: DataView, from: number, to: number, start: number): number {
  let total = start + sum(view, from, to);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

function sum(view: DataView, from: number, to: number): number {
  let total = 0;
  for (let at = from; at < to; at += 2) total += view.getUint16(at);
  return total;
}
