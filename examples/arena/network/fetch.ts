import type { World } from './line.ts';
import { oneWay, slowReadable } from './streams.ts';

/** Answers that a `Response` may not be given a body for; browsers have one on theirs all the same. */
const WITHOUT_BODY: readonly number[] = [204, 205, 304];

/** Plain HTTP on the simulated network: requests are late, and what is answered, each part in its turn. */
export function slowFetch(real: typeof fetch, world: World): typeof fetch {
  return async (input, init) => {
    await oneWay(world);
    const response = await real(input, init);
    await oneWay(world);
    const { body, status, statusText, headers } = response;
    if (!body || WITHOUT_BODY.includes(status)) return response;
    return new Response(slowReadable(body, world), { status, statusText, headers });
  };
}
