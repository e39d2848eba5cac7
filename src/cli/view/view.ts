import { styleText } from "node:util";
import type { TrainingEvent } from "../../training/events.ts";
import { frame } from "./frame.ts";
import { milestone, stepLine } from "./lines.ts";
import { ViewState } from "./state.ts";

const LIVE_INTERVAL_MS = 100;
/** For logs and pipes: so often a line about steps. */
const PLAIN_INTERVAL_MS = 10_000;

const UP_AND_CLEAR = (lines: number): string => `\r${lines > 1 ? `\u001b[${lines - 1}A` : ""}\u001b[0J`;
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";

/** Where a view is written: stderr, so that stdout has the results alone. */
export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/**
 * Shows how a run goes: on a terminal in place, with what happens once above it; elsewhere line by line. A dumb terminal
 * is none.
 */
export class RunView implements Disposable {
  readonly #screen: Screen;
  readonly #title: string;
  readonly #state = new ViewState();
  #live: boolean;
  readonly #dim: (text: string) => string;
  #drawn = 0;
  #shown = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(title: string, screen: Screen = process.stderr, env: NodeJS.ProcessEnv = process.env) {
    this.#title = title;
    this.#screen = screen;
    this.#live = screen.isTTY === true && env["TERM"] !== "dumb" && env["CI"] === undefined;
    this.#dim = (text) => (env["NO_COLOR"] ? text : styleText("dim", text, { validateStream: false }));
    if (this.#live) {
      screen.write(HIDE_CURSOR);
      this.#timer = setInterval(() => this.#write(""), LIVE_INTERVAL_MS);
    }
  }

  add(event: TrainingEvent): void {
    this.#state.add(event);
    const line = milestone(event);
    if (line !== undefined) this.say(line);
    else if (!this.#live && event.type === "step") this.#printStep(event);
  }

  /** A line that stays. */
  say(line: string): void {
    this.#write(`${line}\n`);
  }

  /** Leaves what was last shown, and the terminal as it was. */
  [Symbol.dispose](): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#write("");
    this.#screen.write(`\n${SHOW_CURSOR}`);
    this.#live = false;
  }

  #printStep(event: Extract<TrainingEvent, { type: "step" }>): void {
    const now = performance.now();
    if (event.step !== event.totalSteps && now - this.#shown < PLAIN_INTERVAL_MS) return;
    this.#shown = now;
    this.#screen.write(`${stepLine(event)}\n`);
  }

  /** At once, so that nobody sees the screen half drawn: what stays, and below it the run as it is now. */
  #write(text: string): void {
    if (!this.#live) {
      if (text !== "") this.#screen.write(text);
      return;
    }
    const { columns: width = 80 } = this.#screen;
    const lines = frame(this.#state, { title: this.#title, width, dim: this.#dim });
    this.#screen.write((this.#drawn > 0 ? UP_AND_CLEAR(this.#drawn) : "") + text + lines.join("\n"));
    this.#drawn = lines.length;
  }
}
