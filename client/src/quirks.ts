/** Chromium and what is built on it. Its iOS builds call themselves CriOS, EdgiOS, …: those are WebKit. */
export function isChromium(userAgent: string): boolean {
  return /Chrom(e|ium)\//.test(userAgent);
}

/** Engines whose WebTransport exists and does not hold. Each entry: what goes wrong there, and who says so. */
const GATES: readonly ((userAgent: string) => boolean)[] = [
  // Firefox before 153 takes only two concurrent streams opened by the server: the third lane never arrives.
  // https://bugzilla.mozilla.org/show_bug.cgi?id=2046262
  (userAgent) => Number(/\bFirefox\/(\d+)/.exec(userAgent)?.[1]) < 153,
  // WebKit, and so every browser on iOS: flow control is not refilled; after some 7000 incoming streams or 16 MiB a
  // session stands still for good, without an error. https://github.com/moq-dev/moq/issues/2388
  (userAgent) => userAgent.includes('AppleWebKit/') && !isChromium(userAgent),
];

/** Is WebTransport better left alone in this browser? */
export function hasQuirk(userAgent: string): boolean {
  return GATES.some((gate) => gate(userAgent));
}
