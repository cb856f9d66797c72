import { createRequire } from 'node:module';

/** Of the gateway. */
export const { version: VERSION } = createRequire(import.meta.url)('../package.json') as { version: string };

/** What the gateway calls itself in the negotiation document. */
export const VERSION_LABEL = `spillway/${VERSION}`;
