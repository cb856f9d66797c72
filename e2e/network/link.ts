import type { Namespace } from './namespace.ts';

/** How two namespaces are wired: what each end is called and which address it has. */
export interface Link {
  readonly gateway: string;
  readonly client: string;
}

/** The addresses exist only inside the namespaces; no route leads out of them. */
const GATEWAY = '10.77.0.1';
const CLIENT = '10.77.0.2';

/** Joins two namespaces by a virtual Ethernet cable: no loss, no delay, full speed. */
export async function cable(gateway: Namespace, client: Namespace): Promise<Link> {
  await gateway.run([
    'ip',
    'link',
    'add',
    'cable',
    'type',
    'veth',
    'peer',
    'name',
    'cable',
    'netns',
    client.name,
  ]);
  await attach(gateway, GATEWAY);
  await attach(client, CLIENT);
  return { gateway: GATEWAY, client: CLIENT };
}

async function attach(namespace: Namespace, address: string): Promise<void> {
  // A duplicate-address check would hold the address back for a second.
  await namespace.run(['ip', 'address', 'add', `${address}/24`, 'dev', 'cable']);
  await namespace.run(['ip', 'link', 'set', 'cable', 'up']);
}
