/** What the app is about: prompts that are taught while others are in use, all of them on one loaded model. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  attachRun,
  type Dataset,
  type Detections,
  type Glip,
  isGlipError,
  launch,
  type TrainingEvent,
  type TrainingRun,
} from "glip-sdk";

/** What is known of a prompt. */
export interface Lesson {
  name: string;
  state: "learning" | "ready" | "stopped" | "failed";
  step: number;
  totalSteps: number | null;
  loss: number | null;
  etaSeconds: number | null;
  /** Of the last evaluation. */
  AP: number | null;
  /** Once it is ready. */
  categories: string[];
  error: string | null;
}

export interface LessonOptions {
  train: Dataset;
  val?: Dataset | undefined;
  shots?: number | undefined;
  steps: number;
  batchSize: number;
}

/** Something that cannot be done as things are. */
export class Conflict extends Error {}

export class Teacher implements AsyncDisposable {
  readonly #glip: Glip;
  readonly #folder: string;
  readonly #lessons = new Map<string, Lesson>();
  readonly #runs = new Map<string, TrainingRun>();
  /** One change of the loaded prompts after the other. */
  #loading: Promise<unknown> = Promise.resolve();
  #prompts: Record<string, string> = {};

  private constructor(glip: Glip, folder: string) {
    this.#glip = glip;
    this.#folder = folder;
  }

  /** Finds what was taught before, and what is still being taught: the runs outlive the app. */
  static async open(folder: string): Promise<Teacher> {
    mkdirSync(folder, { recursive: true });
    const teacher = new Teacher(await launch({ restart: { max: 3 } }), folder);
    const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, "events.jsonl")));
    for (const name of names) teacher.#follow(name, attachRun(join(folder, name)));
    return teacher;
  }

  get lessons(): Lesson[] {
    return [...this.#lessons.values()];
  }

  /** @throws GlipError for what is wrong with the options; what is wrong with the data is told by the lesson */
  teach(name: string, { train, val, shots, steps, batchSize }: LessonOptions): Lesson {
    if (this.#lessons.has(name)) throw new Conflict(`there is a prompt ${name} already`);
    const run = this.#glip.finetune({
      method: "prompt",
      train,
      val,
      shots,
      steps,
      batchSize,
      samplePictures: 0,
      output: join(this.#folder, name),
      // A process of its own: it goes on when the app is deployed anew, and the worker goes on to answer.
      detached: true,
    });
    return this.#follow(name, run);
  }

  /** Ends it after the step that it is in. */
  async stop(name: string): Promise<void> {
    await this.#runs.get(name)?.stop();
  }

  /** @throws Conflict before the prompt is ready; GlipError as `Glip.detect` */
  detect(name: string, picture: Uint8Array, threshold: number | undefined, signal: AbortSignal): Promise<Detections> {
    const lesson = this.#lessons.get(name);
    if (lesson?.state !== "ready") throw new Conflict(`${name} is ${lesson?.state ?? "no prompt"}`);
    return this.#glip.detect(picture, lesson.categories, { prompt: name, threshold, signal });
  }

  /** What is being taught is left alone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#glip.close();
  }

  #follow(name: string, run: TrainingRun): Lesson {
    const lesson: Lesson = {
      name,
      state: "learning",
      step: 0,
      totalSteps: null,
      loss: null,
      etaSeconds: null,
      AP: null,
      categories: [],
      error: null,
    };
    this.#lessons.set(name, lesson);
    this.#runs.set(name, run);
    void this.#listen(lesson, run);
    return lesson;
  }

  async #listen(lesson: Lesson, run: TrainingRun): Promise<void> {
    try {
      for await (const event of run) note(lesson, event);
      const { ended, prompt } = await run.result;
      if (ended === "stopped" || typeof prompt !== "string") lesson.state = "stopped";
      else {
        lesson.categories = await this.#use(lesson.name, prompt);
        lesson.state = "ready";
      }
    } catch (error) {
      if (isGlipError(error, "worker_closed")) return; // the app ends, the run does not
      lesson.state = "failed";
      lesson.error = error instanceof Error ? error.message : String(error);
    }
  }

  /** Loads a prompt beside the others. */
  #use(name: string, file: string): Promise<string[]> {
    const loaded = this.#loading.then(async () => {
      const prompts = { ...this.#prompts, [name]: file };
      const categories = await this.#glip.usePrompts(prompts);
      this.#prompts = prompts;
      return categories[name] ?? [];
    });
    this.#loading = loaded.catch(() => {});
    return loaded;
  }
}

function note(lesson: Lesson, event: TrainingEvent): void {
  if (event.type === "step") {
    lesson.step = event.step;
    lesson.totalSteps = event.totalSteps;
    lesson.loss = event.losses.total;
    lesson.etaSeconds = event.etaSeconds;
  } else if (event.type === "evaluation") lesson.AP = event.metrics.AP ?? null;
}
