import type { Undo } from './clock.ts';

/** Whoever wants to know how the page and its network fare. */
export interface LifeWatcher {
  /** The page goes for good. */
  leave(): void;
  /** It may have slept, and its connections may be dead without a word. `newNetwork`: what failed before may work now. */
  wake(newNetwork?: boolean): void;
}

/** The part of an event target that is used here. */
interface Source {
  addEventListener(type: string, listener: (event: Event) => void, options: { signal: AbortSignal }): void;
}

/** Where pages and workers tell of their life. Outside of browsers there is nothing of it. */
export interface Life {
  readonly addEventListener?: Source['addEventListener'];
  readonly document?: Source & { readonly visibilityState: string };
  readonly navigator?: {
    // https://wicg.github.io/netinfo/, not in every browser; `type` is only where the network may be a mobile one.
    readonly connection?: Source & { readonly type?: string | undefined; readonly effectiveType?: string };
  };
}

/** Tells of a page's life: of its end, and of whatever may have cost it its connections. */
export function watchLife(watcher: LifeWatcher, life: Life = globalThis as Life): Undo {
  const controller = new AbortController();
  const { document } = life;
  const connection = life.navigator?.connection;
  const on = (source: Life | undefined, type: string, listener: (event: Event) => void): void =>
    source?.addEventListener?.(type, listener, controller);
  // Every small change of rate and delay is a `change`. Another network is one only where it is of another kind.
  const network = () => connection?.type ?? connection?.effectiveType;
  let last = network();
  // One that may come back is `persisted`, and tells of that.
  on(life, 'pagehide', (event) => (event as PageTransitionEvent).persisted || watcher.leave());
  on(life, 'pageshow', (event) => (event as PageTransitionEvent).persisted && watcher.wake());
  on(life, 'online', () => watcher.wake(true));
  on(document, 'resume', () => watcher.wake());
  on(document, 'visibilitychange', () => document!.visibilityState === 'visible' && watcher.wake());
  on(connection, 'change', () => {
    const now = network();
    if (now !== last) watcher.wake(true);
    last = now;
  });
  return () => controller.abort();
}
