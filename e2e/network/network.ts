import { which } from '../command.ts';
import { canInstall, install } from '../debian.ts';
import { dropped, dropUdp, passUdp } from './filter.ts';
import { cable } from './link.ts';
import { closeNamespace, type Namespace, openNamespace, sweep } from './namespace.ts';

/** Two hosts and what is between them. The gateway runs in one, the browser in the other. */
export interface Network extends AsyncDisposable {
  readonly gateway: Namespace & { readonly address: string };
  readonly client: Namespace & { readonly address: string };
  /** UDP vanishes in both directions, without an answer. */
  dropUdp(): Promise<void>;
  passUdp(): Promise<void>;
  /** UDP packets of the client that have vanished. */
  dropped(): Promise<number>;
  /** Ends everything that runs in the namespaces and deletes them. */
  close(): Promise<void>;
}

/** Why namespaces are not to be had here; undefined when they are. Installs `ip` and `nft` where it may. */
export async function networkMissing(say: (line: string) => void): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  const wanted = [
    ...((await which('ip')) ? [] : ['iproute2']),
    ...((await which('nft')) ? [] : ['nftables']),
  ];
  if (wanted.length > 0 && !((await canInstall()) && (await install(wanted, say)))) {
    return `${wanted.join(' and ')} not installed`;
  }
  try {
    await using network = await openNetwork();
    await network.dropUdp();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Builds the two hosts. Everything is gone after `close`, and after a crash at the next `openNetwork`. */
export async function openNetwork(): Promise<Network> {
  sweep();
  const namespaces: Namespace[] = [];
  const close = async (): Promise<void> => {
    for (const namespace of namespaces.splice(0)) closeNamespace(namespace.name);
  };
  try {
    const gateway = await openNamespace('gateway');
    namespaces.push(gateway);
    const client = await openNamespace('client');
    namespaces.push(client);
    const link = await cable(gateway, client);
    return {
      gateway: { ...gateway, address: link.gateway },
      client: { ...client, address: link.client },
      dropUdp: async () => {
        await dropUdp(gateway);
        await dropUdp(client);
      },
      passUdp: async () => {
        await passUdp(gateway);
        await passUdp(client);
      },
      dropped: () => dropped(gateway),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
