/** How a plane is divided. */
export interface GridOptions {
  /** Side of a square cell, in the units of positions; about the radius of the usual query. */
  readonly cellSize: number;
}

const NONE = -1;
const BUCKETS = 4096;

/**
 * A spatial hash over an endless plane. Inserting, moving and removing take constant time; a query looks at the cells
 * that it touches and allocates nothing. Ids are whole numbers from 0 on, best small: arrays are as long as the largest.
 */
export class Grid {
  readonly #cellSize: number;
  readonly #heads = new Int32Array(BUCKETS).fill(NONE);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  /** Bucket of each entity; NONE: it is not here. */
  #bucket = new Int32Array(0);
  #cellX = new Float64Array(0);
  #cellY = new Float64Array(0);
  #x = new Float64Array(0);
  #y = new Float64Array(0);
  #size = 0;
  /** Ids that are here are below this. */
  #high = 0;

  /** Throws `RangeError` for a cell without a size. */
  constructor({ cellSize }: GridOptions) {
    if (!(cellSize > 0 && cellSize < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`cellSize ${cellSize} is no size`);
    }
    this.#cellSize = cellSize;
  }

  /** How many entities are here. */
  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    return id < this.#high && this.#bucket[id] !== NONE && this.#bucket[id] !== undefined;
  }

  /** Puts an entity in, or moves it where it is in already. Throws `RangeError` for what is no id or no place. */
  set(id: number, x: number, y: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= 2 ** 24) throw new RangeError(`${id} is no id`);
    if (!Number.isFinite(x) || !Number.isFinite(y)) throw new RangeError(`${x}, ${y} is no place`);
    if (id >= this.#bucket.length) this.#grow(id + 1);
    const cellX = Math.floor(x / this.#cellSize);
    const cellY = Math.floor(y / this.#cellSize);
    this.#x[id] = x;
    this.#y[id] = y;
    const here = this.#bucket[id] !== NONE;
    if (here && this.#cellX[id] === cellX && this.#cellY[id] === cellY) return;
    if (here) this.#unlink(id);
    else this.#size++;
    if (id >= this.#high) this.#high = id + 1;
    this.#cellX[id] = cellX;
    this.#cellY[id] = cellY;
    const bucket = hash(cellX, cellY);
    const head = this.#heads[bucket]!;
    this.#bucket[id] = bucket;
    this.#next[id] = head;
    this.#previous[id] = NONE;
    if (head !== NONE) this.#previous[head] = id;
    this.#heads[bucket] = id;
  }

  /** Takes an entity out. False: it was not here. */
  remove(id: number): boolean {
    if (!this.has(id)) return false;
    this.#unlink(id);
    this.#bucket[id] = NONE;
    this.#size--;
    while (this.#high > 0 && this.#bucket[this.#high - 1] === NONE) this.#high--;
    return true;
  }

  /** Calls `visit` once for each entity at most `radius` away, in no order. It must not change the grid. */
  circle(x: number, y: number, radius: number, visit: (id: number) => void): void {
    this.#query(x - radius, y - radius, x + radius, y + radius, x, y, radius * radius, visit);
  }

  /** Calls `visit` once for each entity in the rectangle, its edges included, in no order. It must not change the grid. */
  rectangle(left: number, top: number, right: number, bottom: number, visit: (id: number) => void): void {
    this.#query(left, top, right, bottom, 0, 0, Number.POSITIVE_INFINITY, visit);
  }

  #query(
    left: number,
    top: number,
    right: number,
    bottom: number,
    x: number,
    y: number,
    reach: number,
    visit: (id: number) => void,
  ): void {
    const size = this.#cellSize;
    const [firstX, lastX] = [Math.floor(left / size), Math.floor(right / size)];
    const [firstY, lastY] = [Math.floor(top / size), Math.floor(bottom / size)];
    const cells = (lastX - firstX + 1) * (lastY - firstY + 1);
    // So many cells that looking at every entity is less work; also where an edge is infinite.
    if (!(cells <= this.#high)) {
      for (let id = 0; id < this.#high; id++) {
        if (this.#bucket[id] !== NONE && this.#inside(id, left, top, right, bottom, x, y, reach)) visit(id);
      }
      return;
    }
    for (let cellX = firstX; cellX <= lastX; cellX++) {
      for (let cellY = firstY; cellY <= lastY; cellY++) {
        let id = this.#heads[hash(cellX, cellY)]!;
        for (; id !== NONE; id = this.#next[id]!) {
          // Other cells share the bucket; they are visited in their own turn.
          const mine = this.#cellX[id] === cellX && this.#cellY[id] === cellY;
          if (mine && this.#inside(id, left, top, right, bottom, x, y, reach)) visit(id);
        }
      }
    }
  }

  #inside(
    id: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
    x: number,
    y: number,
    reach: number,
  ): boolean {
    const px = this.#x[id]!;
    const py = this.#y[id]!;
    if (px < left || px > right || py < top || py > bottom) return false;
    return reach === Number.POSITIVE_INFINITY || (px - x) ** 2 + (py - y) ** 2 <= reach;
  }

  #unlink(id: number): void {
    const next = this.#next[id]!;
    const previous = this.#previous[id]!;
    if (previous === NONE) this.#heads[this.#bucket[id]!] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
  }

  #grow(needed: number): void {
    const length = Math.max(64, 2 ** Math.ceil(Math.log2(needed)));
    const old = this.#bucket;
    this.#bucket = new Int32Array(length).fill(NONE);
    this.#bucket.set(old);
    this.#next = longer(this.#next, new Int32Array(length));
    this.#previous = longer(this.#previous, new Int32Array(length));
    this.#cellX = longer(this.#cellX, new Float64Array(length));
    this.#cellY = longer(this.#cellY, new Float64Array(length));
    this.#x = longer(this.#x, new Float64Array(length));
    this.#y = longer(this.#y, new Float64Array(length));
  }
}

function longer<Numbers extends Int32Array | Float64Array>(old: Numbers, wider: Numbers): Numbers {
  wider.set(old);
  return wider;
}

function hash(cellX: number, cellY: number): number {
  // The high bits of a product depend on all bits of its factors: 12 of them number 4096 buckets.
  return (Math.imul(cellX, 0x9e3779b1) ^ Math.imul(cellY, 0x85ebca6b)) >>> 20;
}
