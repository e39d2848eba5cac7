/** What takes no longer is not worth a line. */
const PATIENCE_MS = 1000;
const LIVE_INTERVAL_MS = 250;
/** For logs and pipes: so often a line, if there is news. */
const PLAIN_INTERVAL_MS = 10_000;

/**
 * Says on stderr what is being done, once it has taken a second: on a terminal in one line that counts the seconds and
 * goes again, elsewhere as a line of its own, and another for how far it has come.
 */
export class Status {
  readonly #live = process.stderr.isTTY;
  #text = "";
  #timer: NodeJS.Timeout | undefined;
  #shown = "";

  /** Replaces what was said before: something else begins. */
  show(text: string): void {
    this.clear();
    this.#text = text;
    const start = performance.now();
    const line = (): void => (this.#live ? this.#drawLine(performance.now() - start) : this.#printLine());
    this.#timer = setTimeout(() => {
      line();
      this.#timer = setInterval(line, this.#live ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS);
    }, PATIENCE_MS);
  }

  /** The same goes on, and has come so far. */
  update(text: string): void {
    this.#text = text;
  }

  /** Nothing is being done any more. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#live && this.#shown !== "") process.stderr.write("\r\u001b[2K");
    this.#shown = "";
  }

  #drawLine(milliseconds: number): void {
    const seconds = String(Math.floor(milliseconds / 1000));
    const room = Math.max(20, process.stderr.columns ?? 80) - seconds.length - 6;
    const text = this.#text.length > room ? `${this.#text.slice(0, room)}…` : this.#text;
    process.stderr.write(`\r\u001b[2K${text} … ${seconds} s`);
    this.#shown = text;
  }

  #printLine(): void {
    if (this.#text !== this.#shown) process.stderr.write(`${this.#text} …\n`);
    this.#shown = this.#text;
  }
}
