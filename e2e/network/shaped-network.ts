import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeNamespace, type Namespace, openNamespace, sweep } from './namespace.ts';
import { type ShapedLink, shapedLink } from './shaped-link.ts';

/** A host of a shaped network. */
export interface Host extends Namespace {
  readonly address: string;
  /** Starts a command in here; closing the network ends it if nobody else does. */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
}

/** Two hosts and a link between them that can be made bad. */
export interface ShapedNetwork extends Omit<ShapedLink, 'gateway' | 'client'>, AsyncDisposable {
  readonly gateway: Host;
  readonly client: Host;
  /** Ends everything that runs in the namespaces and deletes them. */
  close(): Promise<void>;
}

export interface ShapedNetworkOptions {
  /** Which packets random loss takes, and how jitter falls. @default 1 */
  readonly seed?: number;
}

/**
 * Builds two hosts and a link that does nothing to packets until it is told to. Needs Linux, root, `ip`, `perl`
 * and /dev/net/tun; rejects where one is missing. Everything is gone after `close`, and after a crash at the next
 * network that is opened.
 */
export async function openShapedNetwork(options: ShapedNetworkOptions = {}): Promise<ShapedNetwork> {
  await sweep();
  const namespaces: Namespace[] = [];
  let link: ShapedLink | undefined;
  const close = async (): Promise<void> => {
    await link?.close();
    for (const { name } of namespaces.splice(0)) await closeNamespace(name);
  };
  try {
    const open = async (role: string): Promise<Namespace> => {
      const namespace = await openNamespace(role);
      namespaces.push(namespace);
      return namespace;
    };
    const gateway = await open('gateway');
    const client = await open('client');
    link = await shapedLink(gateway, client, options.seed ?? 1);
    return {
      ...link,
      gateway: host(gateway, link.gateway),
      client: host(client, link.client),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Why a shaped network is not to be had here; undefined when it is. */
export async function shapedNetworkMissing(): Promise<string | undefined> {
  try {
    await using _network = await openShapedNetwork();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function host(namespace: Namespace, address: string): Host {
  return {
    ...namespace,
    address,
    spawn: (argv, options = {}) => {
      const [command = '', ...rest] = namespace.command(argv);
      return spawn(command, rest, options);
    },
  };
}
