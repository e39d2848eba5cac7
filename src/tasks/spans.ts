/** Where a piece of text stands: `end` is exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** The caller counts UTF-16 units, as JavaScript does; the wire counts code points, as Python does. */
export class Positions {
  /** UTF-16 offset of each code point, and of the end; undefined where both count alike. */
  readonly #offsets: number[] | undefined;
  readonly #length: number;

  constructor(text: string) {
    this.#length = text.length;
    const points = Array.from(text);
    if (points.length === text.length) return;
    let offset = 0;
    this.#offsets = [...points.map((point) => (offset += point.length) - point.length), text.length];
  }

  /** Number of code points. */
  get points(): number {
    return this.#offsets === undefined ? this.#length : this.#offsets.length - 1;
  }

  /** Undefined for a position inside of a character, or outside of the text. */
  toPoint(unit: number): number | undefined {
    if (this.#offsets === undefined) return unit >= 0 && unit <= this.#length ? unit : undefined;
    const found = this.#offsets.indexOf(unit);
    return found === -1 ? undefined : found;
  }

  /** Undefined for a position outside of the text. */
  toUnit(point: number): number | undefined {
    if (point < 0 || point > this.points) return undefined;
    return this.#offsets === undefined ? point : this.#offsets[point];
  }
}
