import { expect, test } from 'vitest';
import { Camera, middleOf } from './camera.ts';
import { RULES } from './rules.ts';

test('a wide view shows the whole arena, whoever is followed', () => {
  const camera = new Camera();
  camera.resize(1280, 800);
  camera.follow({ x: 0, y: 0 }, 1);
  const topLeft = camera.toView({ x: 0, y: 0 });
  const bottomRight = camera.toView({ x: RULES.width, y: RULES.height });
  expect(topLeft.x).toBeGreaterThan(0);
  expect(topLeft.y).toBeGreaterThan(0);
  expect(bottomRight.x).toBeLessThan(1280);
  expect(bottomRight.y).toBeLessThan(800);
});

test('on a phone the camera follows a craft and stops at the walls', () => {
  const camera = new Camera();
  camera.resize(360, 560);
  camera.follow({ x: 800, y: 500 }, 1);
  expect(camera.toView({ x: 800, y: 500 }).x).toBeCloseTo(180, 5);
  camera.follow({ x: 0, y: 500 }, 1);
  const wall = camera.toView({ x: 0, y: 500 }).x;
  expect(wall).toBeGreaterThan(0);
  expect(wall).toBeLessThan(12);
});

test('what the server thinks a screen shows is what it shows', () => {
  const camera = new Camera();
  camera.resize(360, 560);
  const craft = { x: 60, y: 480 };
  camera.follow(craft, 1);
  const { extent } = camera;
  const middle = middleOf(craft, extent);
  const corner = camera.toView({ x: middle.x - extent.width / 2, y: middle.y + extent.height / 2 });
  expect(corner.x).toBeCloseTo(0);
  expect(corner.y).toBeCloseTo(560);
});
