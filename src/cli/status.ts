/** What takes no longer is not worth a line. */
const PATIENCE_MS = 1000;
const LIVE_INTERVAL_MS = 250;

/**
 * Says on stderr what is being done, once it has taken a second: on a terminal in one line that counts the seconds and
 * goes again, elsewhere as a line of its own.
 */
export class Status {
  readonly #live = process.stderr.isTTY;
  #timer: NodeJS.Timeout | undefined;
  #shown = false;

  /** Replaces what was said before. */
  show(text: string): void {
    this.clear();
    const start = performance.now();
    const first = (): void => {
      if (!this.#live) return void process.stderr.write(`${text} …\n`);
      const line = (): void => {
        const seconds = Math.floor((performance.now() - start) / 1000);
        const room = Math.max(20, process.stderr.columns ?? 80) - String(seconds).length - 6;
        process.stderr.write(`\r\u001b[2K${text.length > room ? `${text.slice(0, room)}…` : text} … ${seconds} s`);
        this.#shown = true;
      };
      line();
      this.#timer = setInterval(line, LIVE_INTERVAL_MS);
    };
    this.#timer = setTimeout(first, PATIENCE_MS);
  }

  /** Nothing is being done any more. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#shown) process.stderr.write("\r\u001b[2K");
    this.#shown = false;
  }
}
