/** What a page did with the browser's WebTransport. */
export interface Sightings {
  /** `serverCertificateHashes` given to the constructor. */
  hashes: number;
  bidirectional: number;
  /** Unidirectional streams that the page opened. */
  outgoing: number;
  /** Unidirectional streams that the gateway opened. */
  incoming: number;
}

declare global {
  var sightings: Sightings;
}

/** For `PageOptions.init`: counts streams in `sightings` and changes nothing else. */
export const SPY = `
  globalThis.sightings = { hashes: 0, bidirectional: 0, outgoing: 0, incoming: 0 };
  // A page that is not secure, such as the first empty one, has no WebTransport.
  if (globalThis.WebTransport) globalThis.WebTransport = class extends WebTransport {
    #incoming;
    constructor(url, options) {
      super(url, options);
      sightings.hashes += options?.serverCertificateHashes?.length ?? 0;
      const count = (stream, controller) => {
        sightings.incoming += 1;
        controller.enqueue(stream);
      };
      this.#incoming = super.incomingUnidirectionalStreams.pipeThrough(new TransformStream({ transform: count }));
    }
    get incomingUnidirectionalStreams() {
      return this.#incoming;
    }
    createBidirectionalStream(...options) {
      sightings.bidirectional += 1;
      return super.createBidirectionalStream(...options);
    }
    createUnidirectionalStream(...options) {
      sightings.outgoing += 1;
      return super.createUnidirectionalStream(...options);
    }
  };
`;

/** For `PageOptions.init`: a browser without WebTransport. */
export const NO_API = 'delete globalThis.WebTransport;';
