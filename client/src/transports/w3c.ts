// What is used of the W3C WebTransport API (https://www.w3.org/TR/webtransport/), as engines have it: some
// members are newer than others.

/** The `WebTransport` constructor. */
export type WebTransportApi = new (url: string, options?: WebTransportInit) => WebTransportSession;

export interface WebTransportInit {
  serverCertificateHashes?: { algorithm: string; value: Uint8Array<ArrayBuffer> }[];
}

/** One WebTransport session. */
export interface WebTransportSession {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<{ closeCode?: number; reason?: string }>;
  readonly draining?: Promise<unknown>;
  readonly datagrams: Datagrams;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  createBidirectionalStream(): Promise<{
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
  }>;
  createUnidirectionalStream(): Promise<WritableStream<Uint8Array>>;
  close(info?: { closeCode: number; reason: string }): void;
}

/** The datagrams of a session. */
export interface Datagrams {
  readonly readable: ReadableStream<Uint8Array>;
  /** Where `createWritable` is missing. */
  readonly writable?: WritableStream<Uint8Array>;
  createWritable?(): WritableStream<Uint8Array>;
  readonly maxDatagramSize: number;
}
