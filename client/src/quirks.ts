/** Chromium and what is built on it, headless too. Its iOS builds call themselves CriOS, EdgiOS, …: those are WebKit. */
export function isChromium(userAgent: string): boolean {
  return /Chrom(e|ium)\//.test(userAgent);
}

/**
 * Engines whose WebTransport exists and does not hold: a pattern whose group is the major version, and the first
 * version that is sound. There WebTransport is left alone, unless the option `quirks` says otherwise; then the stall
 * detector is the net.
 */
const QUIRKS: readonly (readonly [userAgent: RegExp, soundFrom: number])[] = [
  // Browsers: Firefox, not on iOS.
  // Versions: before 153.
  // Goes wrong: of the streams that a server opens only two live at a time, so a third lane never arrives.
  // Source: https://bugzilla.mozilla.org/show_bug.cgi?id=2046262 and https://github.com/moq-dev/moq/issues/1329
  [/\bFirefox\/(\d+)/, 153],

  // Browsers: Safari, and every browser on iOS, whatever it calls itself: all are WebKit.
  // Versions: from 26.4, the first with WebTransport; 26.5 is affected. No sound one is known.
  // Goes wrong: credit is not given back. After some 7000 incoming streams or 16 MiB a session stands still for good,
  // without an error.
  // Source: https://github.com/moq-dev/moq/issues/2388 and https://github.com/moq-dev/moq/pull/2417
  //
  // Goes wrong as well: of a burst of datagrams only the first and the last reach the page.
  // Source: https://bugs.webkit.org/show_bug.cgi?id=321176, https://github.com/WebKit/WebKit/pull/71048
  //
  // And: it refuses servers that do not announce limits as drafts 13 and 14 had them; with no word of why.
  // Source: https://github.com/quic-go/webtransport-go/pull/261
  [/AppleWebKit\/(\d+)(?!.*Chrom(e|ium)\/)/, Number.POSITIVE_INFINITY],
];

// What is got round where it bites, in engines that are used all the same:
//
// - Chromium counts handshakes as pending for minutes after they failed, and delays the next ones: throttle.ts.
//   https://issues.chromium.org/issues/40069954
// - Chromium holds one incoming datagram by default and drops the rest of a burst: `incomingMaxBufferedDatagrams`, once
//   `incomingHighWaterMark`, in transports/webtransport.ts. https://github.com/w3c/webtransport/issues/723
// - Safari has only `datagrams.createWritable`, Chromium and Firefox before 155 only `datagrams.writable`:
//   transports/webtransport.ts. https://github.com/Fix3dll/QuicMic/pull/2
// - Firefox tells the server of a stream only with its first byte: nothing waits for an empty one.
//   https://github.com/w3c/webtransport/issues/618

/** Is WebTransport better left alone in this browser? */
export function hasQuirk(userAgent: string): boolean {
  return QUIRKS.some(([pattern, soundFrom]) => Number(pattern.exec(userAgent)?.[1]) < soundFrom);
}
