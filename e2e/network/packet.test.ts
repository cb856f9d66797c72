import { describe, expect, test } from 'vitest';
import { Connections } from './connections.ts';
import { protocolOf, type Reset, readSegment, resetPacket } from './packet.ts';
import type { Direction } from './shape.ts';

const CLIENT = Uint8Array.of(10, 77, 0, 2);
const GATEWAY = Uint8Array.of(10, 77, 0, 1);

const RESET: Reset = {
  source: GATEWAY,
  destination: CLIENT,
  sourcePort: 443,
  destinationPort: 50_000,
  sequence: 0x01020304,
};

const FIN = 0x01;
const SYN = 0x02;
const ACK = 0x10;

/** A segment between the client's port 50000 and the gateway's 443, as the kernel would send it. */
function segment(direction: Direction, flags: number, acknowledged = 0): Uint8Array {
  const ends = direction === 'up' ? { source: CLIENT, destination: GATEWAY } : {};
  const ports = direction === 'up' ? { sourcePort: 50_000, destinationPort: 443 } : {};
  const packet = resetPacket({ ...RESET, ...ends, ...ports });
  packet[33] = flags;
  new DataView(packet.buffer).setUint32(28, acknowledged);
  return packet;
}

describe('a forged reset', () => {
  const packet = resetPacket(RESET);

  test('is an IPv4 packet with these bytes', () => {
    expect(Buffer.from(packet).toString('hex')).toBe(
      '4500002800000000400666340a4d00010a4d000201bbc350010203040000000050040000d2320000',
    );
  });

  test('has the one flag and tells no number', () => {
    expect(protocolOf(packet)).toBe(6);
    expect(readSegment(packet)).toEqual({
      source: GATEWAY,
      destination: CLIENT,
      sourcePort: 443,
      destinationPort: 50_000,
      acknowledged: undefined,
      opens: false,
      fin: false,
      rst: true,
    });
  });
});

test('what is too short, IPv6 or a later fragment is no segment', () => {
  const packet = resetPacket(RESET);
  for (let length = 0; length < packet.length; length++) {
    expect(readSegment(packet.subarray(0, length))).toBeUndefined();
  }
  const six = Uint8Array.from(packet);
  six[0] = 0x65;
  expect(protocolOf(six)).toBeUndefined();
  const fragment = Uint8Array.from(packet);
  fragment[7] = 1;
  expect(readSegment(fragment)).toBeUndefined();
});

describe('connections', () => {
  /** As after a handshake in which the client expects 900 and the gateway 700. */
  function established(): Connections {
    const connections = new Connections();
    expect(connections.pass(segment('up', SYN), 'up')).toBe(true);
    expect(connections.pass(segment('down', SYN | ACK, 700), 'down')).toBe(true);
    expect(connections.pass(segment('up', ACK, 900), 'up')).toBe(true);
    return connections;
  }

  test('a reset goes to both ends, at the number that each expects', () => {
    const forged = established().reset();
    expect(forged.map(({ direction }) => direction)).toEqual(['down', 'up']);
    const [toClient, toGateway] = forged.map(({ packet }) => new DataView(packet.buffer).getUint32(24));
    expect(toClient).toBe(900);
    expect(toGateway).toBe(700);
    expect(readSegment(forged[0]!.packet)?.destination).toEqual(CLIENT);
    expect(readSegment(forged[1]!.packet)?.destination).toEqual(GATEWAY);
  });

  test('what comes later of a connection that was reset is answered in place of the far end', () => {
    const connections = established();
    connections.reset();
    const answer = connections.pass(segment('up', ACK, 950), 'up');
    if (typeof answer === 'boolean') throw new Error('it passed, or vanished');
    expect(answer.direction).toBe('down');
    expect(new DataView(answer.packet.buffer).getUint32(24)).toBe(950);
    expect(connections.lives(segment('down', ACK, 700), 'down')).toBe(false);
    expect(connections.reset()).toEqual([]);
  });

  test('a new connection on the same ports lives', () => {
    const connections = established();
    connections.reset();
    expect(connections.pass(segment('up', SYN), 'up')).toBe(true);
    expect(connections.lives(segment('up', ACK, 1), 'up')).toBe(true);
  });

  test('one that both ends have closed is not there to be reset', () => {
    const connections = established();
    connections.pass(segment('up', FIN | ACK, 900), 'up');
    connections.pass(segment('down', FIN | ACK, 701), 'down');
    expect(connections.reset()).toEqual([]);
  });
});
