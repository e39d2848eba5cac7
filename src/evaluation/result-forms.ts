import { z } from "zod";

/** A line of `predictions.jsonl`. */
export type PredictionLine = Record<string, unknown>;

/** What a COCO result has beside its picture, category and score. */
export type ResultPart = "bbox" | "segmentation" | "both";

export const resultFormats = ["coco", "odinw", "vqa", "captions"] as const;
export type ResultFormat = (typeof resultFormats)[number];

const count = z.int().min(0);
const quad = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const objects = z.looseObject({
  id: count,
  categories: z.array(z.int()),
  boxes: z.array(quad),
  scores: z.array(z.number()),
  masks: z.array(z.string()).optional(),
  size: z.tuple([count, count]).optional(),
});
const ofSet = objects.extend({ set: z.string(), image: z.int() });
const answers = z.looseObject({ questions: z.array(z.int()), answers: z.array(z.string()) });
const captions = z.looseObject({ id: count, caption: z.string() });

/** The rows of a line; they are in a list, or, where `group` is given, in a list of an object's. */
export interface ResultForm {
  rows: (line: PredictionLine, part: ResultPart) => object[];
  group?: (line: PredictionLine) => string;
}

/** The first that a line fits is what a run's results are. */
export const resultForms: Record<ResultFormat, ResultForm & { fits: (line: PredictionLine) => boolean }> = {
  odinw: {
    fits: (line) => ofSet.safeParse(line).success,
    rows: (line) => {
      const { image, ...one } = ofSet.parse(line);
      return rowsOf({ ...one, id: image }, "bbox");
    },
    group: (line) => ofSet.parse(line).set,
  },
  coco: {
    fits: (line) => objects.safeParse(line).success,
    rows: (line, part) => rowsOf(objects.parse(line), part),
  },
  vqa: {
    fits: (line) => answers.safeParse(line).success,
    rows: (line) => {
      const { questions, answers: given } = answers.parse(line);
      return questions.map((question, place) => ({ question_id: question, answer: given[place] }));
    },
  },
  captions: {
    fits: (line) => captions.safeParse(line).success,
    rows: (line) => {
      const { id, caption } = captions.parse(line);
      return [{ image_id: id, caption }];
    },
  },
};

/** COCO's results and LVIS's, as they are scored: a box's last column and row are at x2 and y2. */
function rowsOf({ id, categories, boxes, scores, masks, size }: z.output<typeof objects>, part: ResultPart): object[] {
  return categories.map((category, place) => {
    const [x1, y1, x2, y2] = boxes[place] as z.output<typeof quad>;
    return {
      image_id: id,
      category_id: category,
      ...(part === "segmentation" ? {} : { bbox: [x1, y1, x2 - x1 + 1, y2 - y1 + 1] }),
      ...(part === "bbox" ? {} : { segmentation: { size, counts: masks?.[place] } }),
      score: scores[place],
    };
  });
}
