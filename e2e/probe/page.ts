import { ConnectError, type ConnectOptions, connect, type Session } from '@spillway/client';

/** How an attempt to connect went. */
export interface Attempt {
  /** The rung that carries the session; undefined when there is none. */
  readonly rung: string | undefined;
  /** Why not WebTransport, or why nothing. */
  readonly reason: string | undefined;
  /** Of the ConnectError. */
  readonly code: string | undefined;
  /** From the call of `connect` to its answer, ms. */
  readonly took: number;
}

/** The client in the test page, as `probe`. */
export interface Probe {
  session: Session | undefined;
  connect(url: string, options?: ConnectOptions): Promise<Attempt>;
}

declare global {
  var probe: Probe;
}

globalThis.probe = {
  session: undefined,
  async connect(url, options) {
    const started = performance.now();
    const took = (): number => performance.now() - started;
    try {
      const session = await connect(url, options);
      const { name, reasons } = session.transport;
      this.session = session;
      return { rung: name, reason: reasons[0]?.reason, code: undefined, took: took() };
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      const { code, reasons } = error;
      return { rung: undefined, reason: reasons[0]?.reason, code, took: took() };
    }
  },
};
