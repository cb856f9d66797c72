import type { TestProject } from 'vitest/node';
import { type Browsers, CACHE, findBrowsers, thisMachine } from './browsers.ts';
import { ownNamespaces, sweep } from './network/namespace.ts';
import { networkMissing } from './network/network.ts';

declare module 'vitest' {
  interface ProvidedContext {
    browsers: Browsers;
    /** Why there are no network namespaces; undefined when there are. */
    networkMissing: string | undefined;
  }
}

/** Gets what the tests need of the machine, once before all of them. */
export default async function setup(project: TestProject): Promise<void> {
  ownNamespaces();
  // Interrupted or not, nothing of this run stays behind.
  process.on('exit', () => sweep(true));
  const say = (line: string): void => console.log(line);
  const browsers = await findBrowsers(thisMachine(CACHE, say));
  for (const [name, found] of Object.entries(browsers)) {
    say(found ? `${name} ${found.version} (${found.from})` : `${name} is missing`);
  }
  project.provide('browsers', browsers);
  project.provide('networkMissing', await networkMissing(say));
}
