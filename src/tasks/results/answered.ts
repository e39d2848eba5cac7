import type { Annotation } from "../../images/annotation.ts";
import type { ResolvedImage } from "../../images/source.ts";
import type { GroundedObject, GroundedPhrase } from "./grounding.ts";
import { describeObject, Pictured } from "./pictured.ts";

/** A candidate, and how probable it is beside all others. */
export interface RankedAnswer {
  answer: string;
  /** 0 to 1; those of all candidates add up to 1. */
  probability: number;
}

export interface AnsweredData {
  width: number;
  height: number;
  question: string;
  /** Best first. */
  answers: readonly RankedAnswer[];
  /** The question's noun phrases, and what they speak of in the picture. */
  phrases: readonly GroundedPhrase[];
}

/** What `answer` says. Iterates over the answers. */
export class Answered extends Pictured implements Iterable<RankedAnswer> {
  readonly question: string;
  /** Best first, as many as were asked for. */
  readonly answers: readonly RankedAnswer[];
  /** The question's noun phrases: `span` is where one stands in it, `objects` what it speaks of. */
  readonly phrases: readonly GroundedPhrase[];
  /** What the question is about: the objects of all phrases, best score first. */
  readonly objects: readonly GroundedObject[];

  /** For the task that fills it; `picture` is kept for drawing. */
  constructor(data: AnsweredData & { picture: ResolvedImage }) {
    super({ ...data, passes: 1 });
    this.question = data.question;
    this.answers = data.answers;
    this.phrases = data.phrases;
    this.objects = data.phrases.flatMap(({ objects }) => objects).sort((a, b) => b.score - a.score);
  }

  /** The most probable one. */
  get answer(): string {
    return this.answers[0]?.answer ?? "";
  }

  /** Of the most probable one. */
  get probability(): number {
    return this.answers[0]?.probability ?? 0;
  }

  [Symbol.iterator](): Iterator<RankedAnswer> {
    return this.answers[Symbol.iterator]();
  }

  /** The data alone, without the picture. */
  toJSON(): AnsweredData {
    const { width, height, question, answers, phrases } = this;
    return { width, height, question, answers, phrases };
  }

  /** Question and answer below the picture, phrases in the colours of their boxes. */
  protected override annotate(): Annotation {
    const { width, height, question, phrases, objects } = this;
    const colored = phrases.filter((phrase) => phrase.objects.length > 0);
    return {
      width,
      height,
      items: objects.map(({ box, label, score }) => ({ box, label, score, colorKey: label })),
      colorKeys: phrases.map(({ text }) => text),
      caption: {
        text: `${question} ${this.#told()}`,
        phrases: colored.map(({ text, span: [start, end] }) => ({ start, end, colorKey: text })),
      },
    };
  }

  protected override describe(): [string, ...string[]] {
    const { width, height, question, answers, objects } = this;
    const title = `Answer ${width}x${height} to ${JSON.stringify(question)}: ${this.#told()}`;
    const others = answers.slice(1).map(({ answer, probability }) => `${answer} ${probability.toFixed(2)}`);
    return [title, ...(others.length > 0 ? [`or ${others.join(", ")}`] : []), ...objects.map(describeObject)];
  }

  #told(): string {
    return `${this.answer} (${this.probability.toFixed(2)})`;
  }
}
