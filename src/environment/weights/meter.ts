/** How far a pull is. */
export interface PullProgress {
  phase: "download" | "copy" | "verify";
  /** Bytes that are there, those of earlier attempts included. */
  bytes: number;
  /** Undefined when the server does not say. */
  total: number | undefined;
  /** Bytes per second, over the last seconds. */
  rate: number;
  /** Seconds that are left at this rate; undefined when it cannot be said. */
  eta: number | undefined;
}

const INTERVAL_MS = 200;
const WINDOW_MS = 5_000;

/** Counts bytes and tells of them, a few times a second and at the end. */
export class Meter {
  readonly #phase: PullProgress["phase"];
  readonly #tell: (progress: PullProgress) => void;
  #samples: { at: number; bytes: number }[] = [];
  #bytes = 0;
  #total: number | undefined;
  #toldAt = -Infinity;

  constructor(phase: PullProgress["phase"], tell: (progress: PullProgress) => void = () => {}) {
    this.#phase = phase;
    this.#tell = tell;
  }

  /** `bytes` are there already; the rate counts from here. */
  start(bytes: number, total: number | undefined): void {
    this.#bytes = bytes;
    this.#total = total;
    this.#samples = [{ at: performance.now(), bytes }];
    this.#report();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (performance.now() - this.#toldAt >= INTERVAL_MS) this.#report();
  }

  end(): void {
    this.#report();
  }

  #report(): void {
    const now = performance.now();
    this.#toldAt = now;
    this.#samples.push({ at: now, bytes: this.#bytes });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.at ?? now) > WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0] ?? { at: now, bytes: this.#bytes };
    const rate = now > first.at ? ((this.#bytes - first.bytes) * 1000) / (now - first.at) : 0;
    const eta = this.#total === undefined || rate <= 0 ? undefined : (this.#total - this.#bytes) / rate;
    this.#tell({ phase: this.#phase, bytes: this.#bytes, total: this.#total, rate, eta });
  }
}
