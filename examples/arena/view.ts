import type { Palette } from '../shared/palette.ts';
import { Camera, type Extent, type Point } from './camera.ts';
import type { Flight } from './flight.ts';
import { RULES } from './rules.ts';
import type { Scene } from './scene.ts';

/** A craft to draw. */
export interface DrawnCraft extends Flight {
  readonly id: number;
}

/** Length of a craft's trail, frames. */
const TRAIL = 22;

/** How fast the camera settles, per second. */
const CAMERA_PULL = 6;

/** Draws the arena on a canvas, at the screen's own resolution. */
export class View {
  readonly #canvas: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  readonly #palette: Palette;
  readonly #camera: Camera;
  readonly #small: boolean;
  readonly #trails = new Map<number, number[]>();
  readonly #stillness = matchMedia('(prefers-reduced-motion: reduce)');
  #pixels = 1;
  #drawnAt = 0;

  /** `small`: a preview, with all of the world and without names. */
  constructor(canvas: HTMLCanvasElement, palette: Palette, small = false) {
    this.#small = small;
    this.#camera = small ? new Camera(0) : new Camera();
    const pen = canvas.getContext('2d', { alpha: false });
    if (!pen) throw new Error('this browser has no 2D canvas');
    this.#canvas = canvas;
    this.#pen = pen;
    this.#palette = palette;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#fit();
  }

  /** How much of the world is seen, in its units. */
  get extent(): Extent {
    return this.#camera.extent;
  }

  /**
   * Draws one frame. `me`: the craft to follow and to mark. `now` in ms. `ghost`: where the server last said that it was.
   */
  draw(
    crafts: readonly DrawnCraft[],
    scene: Scene,
    me: number | undefined,
    now: number,
    ghost?: Point,
  ): void {
    const elapsed = Math.min(0.1, (now - this.#drawnAt) / 1000);
    this.#drawnAt = now;
    const mine = crafts.find(({ id }) => id === me) ?? { x: RULES.width / 2, y: RULES.height / 2 };
    this.#camera.follow(mine, 1 - Math.exp(-CAMERA_PULL * elapsed));
    this.#pen.setTransform(this.#pixels, 0, 0, this.#pixels, 0, 0);
    this.#drawFloor();
    for (const orb of scene.orbs) this.#drawOrb(orb, now);
    if (!this.#stillness.matches) this.#drawTrails(crafts, scene);
    if (ghost) this.#drawGhost(ghost);
    for (const craft of crafts) this.#drawCraft(craft, scene, craft.id === me);
    if (this.#small) return;
    for (const craft of crafts) this.#drawName(craft, scene, craft.id === me);
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#pixels = devicePixelRatio;
    this.#canvas.width = Math.round(width * this.#pixels);
    this.#canvas.height = Math.round(height * this.#pixels);
    this.#camera.resize(width, height);
    this.#camera.follow({ x: RULES.width / 2, y: RULES.height / 2 }, 1);
  }

  #drawFloor(): void {
    const pen = this.#pen;
    pen.fillStyle = this.#palette.get('--field-outside');
    pen.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    const { x, y } = this.#camera.toView({ x: 0, y: 0 });
    const { scale } = this.#camera;
    const [width, height] = [RULES.width * scale, RULES.height * scale];
    pen.beginPath();
    pen.roundRect(x, y, width, height, 14);
    pen.fillStyle = this.#palette.get('--field');
    pen.fill();
    pen.strokeStyle = this.#palette.get('--line');
    pen.lineWidth = 1;
    pen.stroke();
    pen.fillStyle = this.#palette.get('--field-dot');
    const step = 80 * scale;
    for (let left = step; left < width - 1; left += step) {
      for (let top = step; top < height - 1; top += step) pen.fillRect(x + left - 1, y + top - 1, 2, 2);
    }
  }

  #drawOrb(orb: { x: number; y: number; value: number; place: number }, now: number): void {
    const pen = this.#pen;
    const rare = orb.value > 1;
    const { x, y } = this.#camera.toView(orb);
    const breath = this.#stillness.matches ? 1 : 1 + 0.12 * Math.sin(now / 420 + orb.place);
    const radius = RULES.orbRadius * this.#camera.scale * (rare ? 1.5 : 1) * breath;
    pen.fillStyle = this.#palette.get(rare ? '--orb-rare' : '--orb');
    pen.globalAlpha = 0.22;
    disc(pen, x, y, radius * 1.9);
    pen.globalAlpha = 1;
    disc(pen, x, y, radius);
  }

  #drawTrails(crafts: readonly DrawnCraft[], scene: Scene): void {
    const pen = this.#pen;
    const present = new Set(crafts.map(({ id }) => id));
    for (const id of this.#trails.keys()) if (!present.has(id)) this.#trails.delete(id);
    pen.lineCap = 'round';
    for (const { id, x, y } of crafts) {
      const trail = this.#trails.get(id) ?? [];
      this.#trails.set(id, trail);
      trail.push(x, y);
      if (trail.length > TRAIL * 2) trail.splice(0, 2);
      pen.strokeStyle = this.#colour(id, scene);
      pen.lineWidth = RULES.craftRadius * this.#camera.scale * 0.9;
      for (let at = 2; at < trail.length; at += 2) {
        pen.globalAlpha = 0.2 * (at / trail.length) ** 2;
        const from = this.#camera.toView({ x: trail[at - 2]!, y: trail[at - 1]! });
        const to = this.#camera.toView({ x: trail[at]!, y: trail[at + 1]! });
        pen.beginPath();
        pen.moveTo(from.x, from.y);
        pen.lineTo(to.x, to.y);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  #drawCraft(craft: DrawnCraft, scene: Scene, mine: boolean): void {
    const pen = this.#pen;
    const { x, y } = this.#camera.toView(craft);
    const radius = RULES.craftRadius * this.#camera.scale;
    if (mine) {
      pen.strokeStyle = this.#palette.get('--text');
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, radius + 5, 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.fillStyle = this.#colour(craft.id, scene);
    disc(pen, x, y, radius);
    // The bow: where it flies, further out the faster it is.
    const speed = Math.hypot(craft.vx, craft.vy);
    const reach = Math.min(1, speed / 250) * radius * 0.55;
    const [nx, ny] = speed > 1 ? [craft.vx / speed, craft.vy / speed] : [0, 0];
    pen.fillStyle = this.#palette.get('--craft-eye');
    disc(pen, x + nx * reach, y + ny * reach, radius * 0.34);
  }

  #drawGhost(ghost: Point): void {
    const pen = this.#pen;
    const { x, y } = this.#camera.toView(ghost);
    pen.strokeStyle = this.#palette.get('--muted');
    pen.lineWidth = 1.5;
    pen.setLineDash([4, 4]);
    pen.beginPath();
    pen.arc(x, y, RULES.craftRadius * this.#camera.scale, 0, 2 * Math.PI);
    pen.stroke();
    pen.setLineDash([]);
  }

  #drawName(craft: DrawnCraft, scene: Scene, mine: boolean): void {
    const name = scene.pilot(craft.id)?.name;
    if (!name) return;
    const pen = this.#pen;
    const { x, y } = this.#camera.toView(craft);
    pen.font = `${mine ? 650 : 450} 12px system-ui, sans-serif`;
    pen.textAlign = 'center';
    pen.fillStyle = this.#palette.get(mine ? '--text' : '--muted');
    pen.fillText(name, x, y - RULES.craftRadius * this.#camera.scale - (mine ? 11 : 7));
  }

  #colour(id: number, scene: Scene): string {
    return this.#palette.get(`--craft-${scene.pilot(id)?.colour ?? 7}`);
  }
}

function disc(pen: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}
