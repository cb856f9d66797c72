import type { Palette } from '../shared/palette.ts';
import { LINES, QUANTITIES, SENSORS, STATIONS } from './catalogue.ts';
import type { History } from './history.ts';

/** Cells of a station: two rows of five quantities. */
const ACROSS = 5;
const DOWN = QUANTITIES.length / ACROSS;

/** Room between the blocks of two stations, in cells. */
const GAP = 0.7;

/** Above the blocks are the numbers of the stations, left of them the colours of the lines; CSS px. */
const HEAD = 16;
const SIDE = 10;

/** Missing readings are shown for so long, s. */
const MEMORY = 3;

/** All 500 sensors in one picture: a block for each station, a cell for each sensor. */
export class Overview {
  readonly #canvas: HTMLCanvasElement;
  readonly #history: History;
  readonly #palette: Palette;

  /** `onPick` is told which station was picked. */
  constructor(
    canvas: HTMLCanvasElement,
    history: History,
    palette: Palette,
    onPick: (station: number) => void,
  ) {
    this.#canvas = canvas;
    this.#history = history;
    this.#palette = palette;
    canvas.addEventListener('click', ({ offsetX }) => {
      const along = (offsetX - SIDE) / (canvas.clientWidth - SIDE);
      onPick(Math.min(STATIONS - 1, Math.max(0, Math.floor(along * STATIONS))));
    });
  }

  /** Draws what is known at `now` of the plant's clock, ms; marks the station that is shown in detail. */
  draw(now: number, station: number): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pixels = devicePixelRatio;
    if (this.#canvas.width !== Math.round(width * pixels)) this.#canvas.width = Math.round(width * pixels);
    if (this.#canvas.height !== Math.round(height * pixels))
      this.#canvas.height = Math.round(height * pixels);
    const pen = this.#canvas.getContext('2d');
    if (!pen) return;
    pen.setTransform(pixels, 0, 0, pixels, 0, 0);
    pen.clearRect(0, 0, width, height);
    const cellWidth = (width - SIDE) / (STATIONS * (ACROSS + GAP));
    const cellHeight = (height - HEAD) / (LINES.length * (DOWN + GAP));
    const colours = {
      calm: this.#palette.get('--soft'),
      out: this.#palette.get('--bad'),
      missing: this.#palette.get('--warn'),
      accent: this.#palette.get('--accent'),
    };
    this.#frame(pen, width, height, station, colours.accent);
    for (const { index, line, station: block } of SENSORS) {
      const quantity = index % QUANTITIES.length;
      const left = SIDE + (block * (ACROSS + GAP) + GAP / 2 + (quantity % ACROSS)) * cellWidth;
      const top = HEAD + (line * (DOWN + GAP) + GAP / 2 + Math.floor(quantity / ACROSS)) * cellHeight;
      this.#cell(pen, index, left, top, cellWidth - 1, cellHeight - 1, now, colours);
    }
  }

  /** Numbers of the stations, colours of the lines, and a frame around the station that is shown. */
  #frame(pen: CanvasRenderingContext2D, width: number, height: number, shown: number, accent: string): void {
    const block = (width - SIDE) / STATIONS;
    pen.font = '11px system-ui, sans-serif';
    pen.textAlign = 'center';
    pen.textBaseline = 'top';
    for (let station = 0; station < STATIONS; station += 1) {
      pen.fillStyle = station === shown ? accent : this.#palette.get('--muted');
      pen.fillText(String(station + 1), SIDE + (station + 0.5) * block, 2);
    }
    const row = (height - HEAD) / LINES.length;
    for (let line = 0; line < LINES.length; line += 1) {
      pen.fillStyle = this.#palette.get(`--line-${line}`);
      pen.fillRect(0, HEAD + line * row + 3, 4, row - 6);
    }
    pen.strokeStyle = accent;
    pen.lineWidth = 1.5;
    pen.strokeRect(SIDE + shown * block + 0.75, HEAD - 1, block - 1.5, height - HEAD + 0.25);
  }

  #cell(
    pen: CanvasRenderingContext2D,
    sensor: number,
    left: number,
    top: number,
    width: number,
    height: number,
    now: number,
    colours: Readonly<Record<'calm' | 'out' | 'missing' | 'accent', string>>,
  ): void {
    const { usual, low, high } = SENSORS[sensor]!.quantity;
    const value = this.#history.latest(sensor);
    pen.fillStyle = colours.calm;
    pen.fillRect(left, top, width, height);
    if (value !== undefined) {
      const away = value >= usual ? (value - usual) / (high - usual) : (usual - value) / (usual - low);
      pen.globalAlpha = away > 1 ? 1 : 0.1 + 0.6 * away;
      pen.fillStyle = away > 1 ? colours.out : colours.accent;
      pen.fillRect(left, top, width, height);
      pen.globalAlpha = 1;
    }
    if (this.#history.missing(sensor, now, MEMORY) === 0) return;
    pen.fillStyle = colours.missing;
    pen.fillRect(left, top + height - Math.max(2, height / 4), width, Math.max(2, height / 4));
  }
}
