/** A detector in a Python process of its own (serving.py), and how two of them differ in what they found. */
import { type Interpreter, Script } from "./script.ts";

export interface Found {
  boxes: number[][];
  /** Best first. */
  scores: number[];
}

export interface Answer {
  /** From pixels and objects of each picture, in the order asked for. */
  pictures: Found[];
  /** Seconds from the files to what the network takes. */
  preparing: number;
  /** Seconds from there to objects. */
  looking: number;
}

export class Detector implements Disposable {
  readonly #script: Script;

  private constructor(script: Script) {
    this.#script = script;
  }

  /** Resolves when its model is loaded. */
  static async start(interpreter: Interpreter, name: string, args: readonly string[]): Promise<Detector> {
    const script = new Script(interpreter, name, args);
    await script.read();
    return new Detector(script);
  }

  get pid(): number {
    return this.#script.pid;
  }

  /** All pictures in one pass. */
  async look(...pictures: string[]): Promise<Answer> {
    return (await this.#script.ask(JSON.stringify(pictures))) as Answer;
  }

  [Symbol.dispose](): void {
    this.#script[Symbol.dispose]();
  }
}

/**
 * The answers to looks that are taken in turns, round by round; none for a side that is not there.
 * @param warmup rounds before them that pay for what is built on first use, and do not count
 */
export async function inTurns<Side extends string>(
  looks: Record<Side, (() => Promise<Answer>) | undefined>,
  { rounds, warmup = 1 }: { rounds: number; warmup?: number },
): Promise<Record<Side, Answer[]>> {
  const sides = Object.keys(looks) as Side[]; // which it has no others than
  const answers = Object.fromEntries(sides.map((side) => [side, [] as Answer[]])) as Record<Side, Answer[]>;
  for (let round = -warmup; round < rounds; round++) {
    for (const side of sides) {
      const answer = await looks[side]?.();
      if (answer !== undefined && round >= 0) answers[side].push(answer);
    }
  }
  return answers;
}

/** Seconds from the files to objects. */
export function secondsOf({ preparing, looking }: Answer): number {
  return preparing + looking;
}

/** Of the scores of the same pictures, best first; NaN where they found different numbers of objects. */
export function largestDifference(ours: readonly Found[], theirs: readonly Found[]): number {
  if (ours.length !== theirs.length) return Number.NaN;
  const differences = ours.flatMap(({ scores }, picture) => {
    const others = theirs[picture]?.scores ?? [];
    if (others.length !== scores.length) return [Number.NaN];
    return scores.map((score, rank) => Math.abs(score - (others[rank] ?? Number.NaN)));
  });
  return Math.max(0, ...differences);
}

/** Objects of either side that have no exact twin on the other; those of equal score may come in any order. */
export function countDifferent(ours: Found, theirs: Found): number {
  const left = objectsOf(theirs);
  const missing = objectsOf(ours).filter((one) => {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  return missing.length + left.length;
}

function objectsOf({ boxes, scores }: Found): string[] {
  return boxes.map((box, index) => String([...box, scores[index]]));
}
