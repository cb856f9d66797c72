import type { Envelope } from '@spillway/envelope';

const NOT_COUNTED: readonly Envelope['kind'][] = [
  'hello',
  'welcome',
  'ping',
  'pong',
  'lane',
  'ack',
  'number',
  'close',
  'auth',
  'expiring',
];

/** Is this envelope counted in a lane, and sent again until it is acknowledged? SPEC.md, "Lanes". */
export function isCounted(envelope: Envelope): boolean {
  return envelope.kind === 'event' ? envelope.delivery === 'reliable' : !NOT_COUNTED.includes(envelope.kind);
}
