import '../shared/style.css';
import './chat.css';
import type { Channel } from '@spillway/client';
import { byId, element, setText } from '../shared/element.ts';
import { openPage } from '../shared/page.ts';
import type { Said } from './server.ts';

type Room = Channel<{ SAY: Said; TYPING: boolean }>;
const { query, link } = openPage();
const [log, people] = [byId('log', HTMLElement), byId('people', HTMLElement)];
const [name, text] = [byId('name', HTMLInputElement), byId('text', HTMLInputElement)];
const CHANGES = ['sync', 'join', 'update', 'leave'] as const;
const typing = new Map<string, boolean>();
let undo: (() => void)[] = [];
let room: Room | undefined;
let [isTyping, idle, me] = [false, 0, query.name ?? ''];

/** Goes to the room in the address, as soon as there are a name and a session. */
async function enter(session = link.session): Promise<void> {
  const title = location.hash.replace(/[^\w-]/g, '').slice(0, 32) || 'lobby';
  const here: Room | undefined = session?.channel(`chat/${title}`);
  if (!here || here === room || me === '') return;
  tellTyping(false);
  for (const off of undo) off();
  Promise.all([room?.presence.unwatch(), room?.unsubscribe()]).catch(report);
  room = here;
  document.body.dataset.room = title;
  for (const list of [log, people]) list.replaceChildren();
  undo = [
    here.on('SAY', (said, { ts }) => log.append(line(said, ts))),
    here.on('TYPING', (on, { key = '' }) => showPeople(typing.set(key, on))),
    ...CHANGES.map((change) => here.presence.on(change, () => showPeople())),
  ];
  const { seq } = await here.subscribe();
  await Promise.all([here.presence.update({ name: me }), here.presence.watch()]);
  const past = await here.history({ from: seq, reverse: true });
  for (const { type, payload, meta } of here === room ? past.messages : [])
    if (type === 'SAY') log.prepend(line(payload, meta.ts));
}

function line({ name, text, from }: Said, ts = 0): HTMLElement {
  const time = new Date(ts).toLocaleTimeString([], { timeStyle: 'short' });
  const mine = from === link.session?.id ? { class: 'mine' } : {};
  return element('li', mine, element('b', {}, name), element('time', {}, time), element('p', {}, text));
}

function showPeople(writers = typing): void {
  const members = [...(room?.presence.members ?? [])];
  const names = new Map(members.map(([id, { state }]) => [id, (state as Said | undefined)?.name ?? '…']));
  people.replaceChildren(...[...names.values()].map((name) => element('li', {}, name)));
  names.delete(link.session?.id ?? '');
  const busy = [...names].flatMap(([id, name]) => (writers.get(id) ? name : []));
  setText(byId('typing', HTMLElement), busy.length > 0 ? `Typing: ${busy.join(', ')}` : '');
}

function tellTyping(on: boolean): void {
  window.clearTimeout(idle);
  if (on) idle = window.setTimeout(tellTyping, 4000, false);
  if (on !== isTyping) room?.publish('TYPING', on, { delivery: 'latest' });
  isTyping = on;
}

const report = (error?: Error) => setText(byId('error', HTMLElement), error?.message ?? '');
const arrive = () => void enter().then(() => text.focus(), report);
text.addEventListener('input', () => tellTyping(text.value !== ''));
addEventListener('submit', (event) => {
  event.preventDefault();
  me ||= name.value.trim();
  if (!room) return arrive();
  const said = { name: me, text: text.value };
  text.value = '';
  tellTyping(false);
  room.publish('SAY', said, { receipt: true }).then(() => report(), report);
});
addEventListener('hashchange', arrive);
link.listen({ open: arrive });
void link.start();
