import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import type { SceneSample } from "../scenes.ts";
import { categoriesOf, type SceneSplit } from "../splits.ts";
import { answerVocabulary } from "../words/answers.ts";
import { JsonLists } from "./lists.ts";
import { groundingRecords, type ImageRecord, instanceRecord, phraseRecords, questionRecord } from "./records.ts";

/** The folder of one split: pictures and what is known of them, as they come. */
export class SplitFolder {
  readonly #folder: string;
  readonly #split: SceneSplit;
  readonly #instances: JsonLists;
  readonly #grounding: JsonLists;
  readonly #questions: JsonLists;
  readonly #captions: JsonLists;
  readonly #scenes;
  /** How many there are of each; ids count from 1. */
  readonly #written = { images: 0, instances: 0, sentences: 0, groundings: 0, questions: 0, captions: 0 };

  private constructor(folder: string, split: SceneSplit) {
    this.#folder = folder;
    this.#split = split;
    this.#instances = new JsonLists(join(folder, "instances.json"), ["images", "annotations"]);
    this.#grounding = new JsonLists(join(folder, "grounding.json"), ["images", "annotations"]);
    this.#questions = new JsonLists(join(folder, "questions.json"), ["images", "questions"]);
    this.#captions = new JsonLists(join(folder, "captions.json"), ["images", "annotations"]);
    this.#scenes = createWriteStream(join(folder, "scenes.jsonl"));
    this.#scenes.on("error", () => {});
  }

  static async create(folder: string, split: SceneSplit): Promise<SplitFolder> {
    await mkdir(join(folder, "images"), { recursive: true });
    return new SplitFolder(folder, split);
  }

  async add({ scene, picture, annotations }: SceneSample, size: number): Promise<void> {
    const { objects, captions, expressions, questions } = annotations;
    const written = this.#written;
    const name = `${String(scene.index).padStart(6, "0")}.jpg`;
    const image: ImageRecord = { id: ++written.images, file_name: name, width: size, height: size };
    const first = written.instances + 1;
    const id = (object: number): number => first + object;
    written.instances += objects.length;
    await writeFile(join(this.#folder, "images", name), picture);

    for (const file of [this.#instances, this.#questions, this.#captions]) await file.add("images", image);
    const categories = categoriesOf(this.#split);
    for (const object of objects)
      await this.#instances.add("annotations", instanceRecord(object, image, id, categories));
    for (const said of [...captions, ...expressions].filter(isFirst)) {
      const made = groundingRecords(said, image, objects, id, ++written.sentences, written.groundings + 1);
      written.groundings += made.annotations.length;
      await this.#grounding.add("images", made.image);
      for (const annotation of made.annotations) await this.#grounding.add("annotations", annotation);
    }
    for (const asked of questions)
      await this.#questions.add("questions", questionRecord(asked, image, id, ++written.questions));
    for (const { text, phrases } of captions) {
      const caption = { id: ++written.captions, image_id: image.id, caption: text };
      await this.#captions.add("annotations", { ...caption, phrases: phraseRecords(phrases, id) });
    }
    if (!this.#scenes.write(`${JSON.stringify({ file_name: name, ...scene })}\n`)) await once(this.#scenes, "drain");
  }

  async close(info: object): Promise<void> {
    this.#scenes.end();
    if (!this.#scenes.closed) await once(this.#scenes, "close");
    if (this.#scenes.errored !== null) throw this.#scenes.errored;
    await this.#instances.close({ categories: categoriesOf(this.#split), info });
    await this.#grounding.close({ categories: [{ id: 1, name: "object" }], info });
    await this.#questions.close({ answers: answerVocabulary(this.#split), info });
    await this.#captions.close({ info });
  }

  /** Lets go of the files of a split that is given up. */
  destroy(): void {
    for (const file of [this.#instances, this.#grounding, this.#questions, this.#captions]) file.destroy();
    this.#scenes.destroy();
  }
}

/** In a simple picture two captions may be the same sentence. */
function isFirst(said: { text: string }, index: number, all: readonly { text: string }[]): boolean {
  return all.findIndex(({ text }) => text === said.text) === index;
}
