import { element } from '../shared/element.ts';

/** Which way a key points. */
const KEYS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowUp: [0, -1],
  KeyW: [0, -1],
  ArrowDown: [0, 1],
  KeyS: [0, 1],
  ArrowLeft: [-1, 0],
  KeyA: [-1, 0],
  ArrowRight: [1, 0],
  KeyD: [1, 0],
};

/** How far the thumb moves for full thrust, CSS pixels. */
const REACH = 48;

/** The player's stick: keys held down, or a thumb on the screen. A direction no longer than 1. */
export class Controls {
  readonly #held = new Set<string>();
  readonly #field: HTMLElement;
  readonly #knob = element('span', { class: 'stick-knob' });
  readonly #stick = element('div', { class: 'stick', 'aria-hidden': 'true' }, this.#knob);
  #thumb: { readonly id: number; readonly x: number; readonly y: number } | undefined;
  #pull: readonly [dx: number, dy: number] = [0, 0];

  /** Keys count anywhere on the page outside of form fields; a thumb counts on the field. */
  constructor(field: HTMLElement) {
    this.#field = field;
    field.after(this.#stick);
    addEventListener('keydown', (event) => this.#keyDown(event));
    addEventListener('keyup', (event) => this.#held.delete(event.code));
    addEventListener('blur', () => this.#letGo());
    field.addEventListener('pointerdown', (event) => this.#down(event));
    field.addEventListener('pointermove', (event) => this.#move(event));
    for (const end of ['pointerup', 'pointercancel'] as const) {
      field.addEventListener(end, (event) => {
        if (event.pointerId === this.#thumb?.id) this.#release();
      });
    }
  }

  /** Where to, each -1 to 1. */
  get direction(): readonly [dx: number, dy: number] {
    if (this.#thumb) return this.#pull;
    let [dx, dy] = [0, 0];
    for (const code of this.#held) {
      dx += KEYS[code]?.[0] ?? 0;
      dy += KEYS[code]?.[1] ?? 0;
    }
    return unit(dx, dy);
  }

  #keyDown(event: KeyboardEvent): void {
    if (!KEYS[event.code] || event.ctrlKey || event.metaKey || event.altKey) return;
    // These have a use for the keys themselves.
    if (event.target instanceof HTMLElement && event.target.closest('input, select, textarea')) return;
    this.#held.add(event.code);
    event.preventDefault();
  }

  #down(event: PointerEvent): void {
    if (this.#thumb || event.button !== 0) return;
    this.#field.setPointerCapture(event.pointerId);
    this.#thumb = { id: event.pointerId, x: event.clientX, y: event.clientY };
    this.#pull = [0, 0];
    const { left, top } = this.#field.getBoundingClientRect();
    this.#stick.style.translate = `${event.clientX - left}px ${event.clientY - top}px`;
    this.#stick.dataset.held = '';
    this.#knob.style.translate = '0px 0px';
  }

  #move(event: PointerEvent): void {
    if (event.pointerId !== this.#thumb?.id) return;
    this.#pull = unit((event.clientX - this.#thumb.x) / REACH, (event.clientY - this.#thumb.y) / REACH);
    this.#knob.style.translate = `${this.#pull[0] * REACH}px ${this.#pull[1] * REACH}px`;
  }

  #release(): void {
    this.#thumb = undefined;
    this.#stick.style.translate = '';
    this.#knob.style.translate = '0px 0px';
    delete this.#stick.dataset.held;
  }

  /** A window without focus hears no key come up. */
  #letGo(): void {
    this.#held.clear();
    this.#release();
  }
}

function unit(dx: number, dy: number): readonly [number, number] {
  const length = Math.max(1, Math.hypot(dx, dy));
  return [dx / length, dy / length];
}
