import { expect, test } from 'vitest';
import { ranking, Scene } from './scene.ts';

function orb(place: number, version: number) {
  return { place, version, x: version * 10, y: 0, value: 1 };
}

test('of two messages about a place the later version counts, whichever came first', () => {
  const scene = new Scene();
  scene.takeOrbs([orb(0, 3)]);
  scene.takeOrbs([orb(0, 1), orb(1, 1)]);
  expect([...scene.orbs]).toEqual([orb(0, 3), orb(1, 1)]);
});

test('after forgetting, a new gateway that counts from one is believed', () => {
  const scene = new Scene();
  scene.takeOrbs([orb(0, 30)]);
  scene.forget();
  scene.takeOrbs([orb(0, 1)]);
  expect([...scene.orbs]).toEqual([orb(0, 1)]);
});

test('a roster replaces the one before', () => {
  const scene = new Scene();
  scene.takeRoster({ version: 4, pilots: [{ id: 1, name: 'Ada', bot: false, colour: 0 }] });
  scene.takeRoster({ version: 5, pilots: [{ id: 2, name: 'Oder', bot: true, colour: 1 }] });
  expect(scene.pilot(1)).toBeUndefined();
  expect(scene.pilot(2)?.name).toBe('Oder');
});

test('a roster that was overtaken by a later one changes nothing', () => {
  const scene = new Scene();
  scene.takeRoster({ version: 5, pilots: [{ id: 2, name: 'Oder', bot: true, colour: 1 }] });
  scene.takeRoster({ version: 4, pilots: [] });
  expect(scene.pilot(2)?.name).toBe('Oder');
});

test('the ranking goes by score and stays put among equals', () => {
  const standing = (id: number, points: number) => ({ id, points });
  expect(ranking([standing(3, 5), standing(2, 5), standing(1, 9)]).map(({ id }) => id)).toEqual([1, 2, 3]);
});
