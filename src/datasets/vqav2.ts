import { z } from "zod";
import { uint32 } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";
import { type DatasetOptions, mixing, path, pathOf } from "./mixing.ts";

export interface Vqav2Options extends DatasetOptions {
  /**
   * Size of the vocabulary: the most frequent answers, among which `glip.answer` then chooses. The paper does not say its
   * own; 3129 is that of a widespread preparation of VQAv2.
   * @default 3129
   */
  answers?: number | undefined;
}

/** Questions about pictures, each with the answers of several people, without a box: VQAv2. `vqav2` makes one. */
export interface Vqav2Dataset extends Vqav2Options {
  format: "vqav2";
  /** The JSON file of the questions. */
  questions: string;
  /** The JSON file of the answers. */
  annotations: string;
  /** The folder of the pictures, or one with a folder for each split, such as `train2014`. */
  images: string;
}

const more = { ...mixing, answers: uint32.min(1).default(3129) };

export const vqav2Schema = z.strictObject({
  format: z.literal("vqav2"),
  questions: path,
  annotations: path,
  images: path,
  ...more,
}) satisfies z.ZodType<Vqav2Dataset, Vqav2Dataset>;

/**
 * Questions and answers: VQAv2's format. They teach `answers`; there is no box in them. Pictures are COCO's, named by their
 * numbers (`COCO_train2014_000000000009.jpg`, `000000000009.jpg`), or as a list `images` in the file of questions says.
 *
 * @param questions e.g. `v2_OpenEnded_mscoco_train2014_questions.json`
 * @param annotations e.g. `v2_mscoco_train2014_annotations.json`
 * @param images the folder of the pictures
 * @throws GlipError `invalid_argument`. Nothing is read here: training does that.
 */
export function vqav2(
  questions: string,
  annotations: string,
  images: string,
  options: Vqav2Options = {},
): z.output<typeof vqav2Schema> {
  return {
    format: "vqav2",
    questions: pathOf(questions, "questions"),
    annotations: pathOf(annotations, "annotations"),
    images: pathOf(images, "images"),
    ...checkArgument(z.strictObject(more), options, "options"),
  };
}
