import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from './drivers/page.ts';
import { eachBrowser } from './each-browser.ts';
import { type RunningGateway, startGateway } from './gateway.ts';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway({ examples: true });
});
afterAll(() => gateway?.close());

/** Writes into the box as a hand does, without sending. */
const write = (page: Page, text: string) =>
  page.evaluate((text) => {
    const box = document.querySelector<HTMLInputElement>('#text')!;
    box.value = text;
    box.dispatchEvent(new Event('input', { bubbles: true }));
  }, text);

const say = async (page: Page, text: string): Promise<void> => {
  await write(page, text);
  await page.evaluate(() => document.querySelector<HTMLFormElement>('#say')!.requestSubmit());
};

const lines = (selector: string) => (page: Page) =>
  page.evaluate(
    (selector) => [...document.querySelectorAll<HTMLElement>(selector)].map(({ innerText }) => innerText),
    selector,
  );
const texts = lines('#log p');
const people = lines('#people li');
const typing = async (page: Page) => (await lines('#typing')(page)).join();

eachBrowser(({ open, browser }) => {
  const join = async (name: string, room: string, query = ''): Promise<Page> => {
    const page = await open(`${gateway.addresses.http}/chat/?name=${name}${query}#${browser}-${room}`);
    await expect.poll(() => people(page)).toContain(name);
    return page;
  };

  test.each(['', '&transport=websocket', '&transport=longpoll'])(
    'two windows talk, and the second sees who is there and what was said (%s)',
    async (query) => {
      const room = `two${query.slice(-4)}`;
      const ada = await join('Ada', room, query);
      await say(ada, 'first');
      await say(ada, '<b>second</b>');
      await expect.poll(() => texts(ada)).toEqual(['first', '<b>second</b>']);

      const bob = await join('Bob', room, query);
      await expect.poll(() => texts(bob)).toEqual(['first', '<b>second</b>']);
      for (const page of [ada, bob])
        await expect.poll(async () => (await people(page)).sort()).toEqual(['Ada', 'Bob']);

      await write(bob, 'well');
      await expect.poll(() => typing(ada)).toBe('Typing: Bob');
      expect(await typing(bob)).toBe('');
      await say(bob, 'well said');
      await expect.poll(() => typing(ada)).toBe('');
      for (const page of [ada, bob])
        await expect.poll(() => texts(page)).toEqual(['first', '<b>second</b>', 'well said']);
      expect(await lines('#log .mine p')(bob)).toEqual(['well said']);
      expect([...ada.errors, ...bob.errors]).toEqual([]);
    },
  );

  test('another room has its own people and messages, and the way back brings what was missed', async () => {
    const ada = await join('Ada', 'one');
    const bob = await join('Bob', 'one');
    await ada.evaluate((room) => {
      location.hash = room;
    }, `${browser}-other`);
    await expect.poll(() => people(ada)).toEqual(['Ada']);
    await expect.poll(() => people(bob)).toEqual(['Bob']);
    await say(bob, 'anybody?');
    await say(ada, 'quiet here');
    await expect.poll(() => texts(ada)).toEqual(['quiet here']);
    await ada.evaluate((room) => {
      location.hash = room;
    }, `${browser}-one`);
    await expect.poll(() => texts(ada)).toEqual(['anybody?']);
    expect(await texts(bob)).toEqual(['anybody?']);
  });

  test('nobody joins before the name is sent', async () => {
    const page = await open(`${gateway.addresses.http}/chat/#${browser}-door`);
    await page.evaluate(() => {
      document.querySelector<HTMLInputElement>('#name')!.value = 'Ad';
      location.hash += '-2';
    });
    await page.until(() => document.body.dataset.state === 'open', []);
    const bob = await join('Bob', 'door-2');
    expect(await people(bob)).toEqual(['Bob']);
    await page.evaluate(() => {
      document.querySelector<HTMLInputElement>('#name')!.value = ' Ada ';
      document.querySelector<HTMLFormElement>('#join')!.requestSubmit();
    });
    for (const each of [page, bob])
      await expect.poll(async () => (await people(each)).sort()).toEqual(['Ada', 'Bob']);
  });

  test('what the server refuses is told where it was written', async () => {
    const ada = await join('Ada', 'refused');
    for (let count = 0; count < 30; count++) await say(ada, 'hurry');
    await expect.poll(async () => (await lines('#error')(ada)).join()).toContain('over the rate');
    expect(ada.errors).toEqual([]);
  });
});
