import type { World } from './line.ts';
import { oneWay, slowReadable } from './streams.ts';

/** Plain HTTP on the simulated network: requests are late, and what is answered, each part in its turn. */
export function slowFetch(real: typeof fetch, world: World): typeof fetch {
  return async (input, init) => {
    await oneWay(world);
    const response = await real(input, init);
    await oneWay(world);
    const { body, status, statusText, headers } = response;
    return body ? new Response(slowReadable(body, world), { status, statusText, headers }) : response;
  };
}
