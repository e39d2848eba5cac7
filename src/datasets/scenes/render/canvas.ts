/** A square picture while it is painted: red, green, blue of each pixel, 0 … 255. */
export class Canvas {
  readonly size: number;
  readonly data: Float32Array;
  /** A number for each pixel; whoever uses it leaves zeros. */
  readonly scratch: Float32Array;

  constructor(size: number) {
    this.size = size;
    this.data = new Float32Array(size * size * 3);
    this.scratch = new Float32Array(size * size);
  }

  /** Lays a colour over a pixel. */
  blend(pixel: number, color: readonly [number, number, number], alpha: number): void {
    const at = pixel * 3;
    for (let channel = 0; channel < 3; channel++)
      this.data[at + channel] = (this.data[at + channel] as number) * (1 - alpha) + (color[channel] as number) * alpha;
  }

  /** The first and the last row or column of the picture that lie between two positions in pixels. */
  span(from: number, to: number): [first: number, last: number] {
    return [this.#clip(from), this.#clip(to)];
  }

  #clip(value: number): number {
    return Math.max(0, Math.min(this.size - 1, Math.floor(value)));
  }
}
