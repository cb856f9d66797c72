// One codec in a process of its own: `worker.ts NAME`.
import { answerAsks } from '../harness/answers.ts';
import { CODECS } from './codecs.ts';
import { messages } from './message.ts';

const BATCH = 1_000;
const codec = CODECS[process.argv[2] as keyof typeof CODECS]();
const all = messages(BATCH).map((message) => ({ ...message, payload: Buffer.from(message.payload) }));
/** What is read, so that nothing is optimised away. */
let sink = 0;

answerAsks({
  /** Nanoseconds to encode a message and decode it again, and its size. */
  run(seconds: number) {
    const begin = process.cpuUsage();
    const end = performance.now() + seconds * 1000;
    let done = 0;
    let bytes = 0;
    while (performance.now() < end) {
      for (const message of all) {
        const encoded = codec.encode(message);
        bytes += encoded.length;
        if (codec.decode(encoded) !== undefined) sink++;
      }
      done += BATCH;
    }
    const { user, system } = process.cpuUsage(begin);
    if (sink === 0) throw new Error('nothing was read');
    return { cpu: ((user + system) * 1000) / done, bytes: bytes / done };
  },
});
