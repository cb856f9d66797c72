import type { Session } from '@spillway/client';
import { byId } from './element.ts';
import { Link } from './link.ts';
import { Notice } from './notice.ts';
import { type PageQuery, readQuery } from './query.ts';
import { StatusBar } from './status-bar.ts';

/** What a page offers to tests and to curious people in the console. */
export interface SpillwayHook {
  /** The page's session; undefined while there is none. */
  readonly session: Session | undefined;
  readonly link: Link;
  [more: string]: unknown;
}

declare global {
  interface Window {
    spillway: SpillwayHook;
  }
}

/** What every page has: the query, the link with its bar and notice, and `window.spillway`. Call `link.start()`. */
export function openPage(): { readonly query: PageQuery; readonly link: Link } {
  const query = readQuery(location.search);
  const link = new Link(query);
  new StatusBar(link, byId('status', HTMLElement));
  new Notice(link, byId('main', HTMLElement));
  window.spillway = {
    get session() {
      return link.session;
    },
    link,
  };
  for (const anchor of document.querySelectorAll<HTMLAnchorElement>('a[data-keep-query]')) {
    anchor.search = location.search;
  }
  return { query, link };
}
