import { CLOSE } from '@spillway/envelope';
import type { Acceptor, Admission, Receiver, Refusal, Transport } from '../core/contracts/transport.ts';

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

const decoder = new TextDecoder();

/** Waits for a condition. @throws Error when it has not come true within ten seconds. */
export async function until<T>(condition: () => T | undefined | false, what: string): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The core's side of one accepted connection: remembers everything. */
export class TestConnection implements Receiver {
  readonly admission: Admission;
  readonly transport: Transport;
  readonly received: { readonly bytes: Uint8Array; readonly reliable: boolean }[] = [];
  readonly violations: string[] = [];
  readonly endings: Ending[] = [];
  /** Calls after `closed`, which must not come. */
  late = 0;

  constructor(admission: Admission, transport: Transport) {
    this.admission = admission;
    this.transport = transport;
  }

  get texts(): string[] {
    return this.received.map(({ bytes }) => decoder.decode(bytes));
  }

  receive(bytes: Uint8Array, reliable: boolean): void {
    if (this.endings.length > 0) this.late++;
    this.received.push({ bytes: bytes.slice(), reliable });
  }

  violation(code: 'too-large' | 'bad-frame', message: string): void {
    if (this.endings.length > 0) this.late++;
    this.violations.push(code);
    this.transport.close(
      code === 'too-large' ? CLOSE['message-too-large'] : CLOSE['protocol-error'],
      message,
    );
  }

  closed(code: number, reason: string): void {
    this.endings.push({ code, reason });
  }
}

/** The core's side of admission: lets everybody in unless `refusal` is set. */
export class TestAcceptor implements Acceptor {
  maxFrameBytes = 64 * 1024 + 64;
  readonly admitted: Admission[] = [];
  readonly abandoned: Admission[] = [];
  readonly connections: TestConnection[] = [];
  refusal: Refusal | undefined;
  refused = 0;

  admit(admission: Admission): Refusal | undefined {
    if (this.refusal === undefined) this.admitted.push(admission);
    else this.refused++;
    return this.refusal;
  }

  accept(admission: Admission, transport: Transport): Receiver {
    const connection = new TestConnection(admission, transport);
    this.connections.push(connection);
    return connection;
  }

  abandon(admission: Admission): void {
    this.abandoned.push(admission);
  }

  /** Every admitted connection was either accepted, and has ended once, or abandoned. */
  get settled(): boolean {
    const ended = this.connections.filter(({ endings }) => endings.length > 0).length;
    return ended === this.connections.length && ended + this.abandoned.length === this.admitted.length;
  }
}
