import { z } from "zod";
import { tensor, text, uint32, uint53 } from "./fields.ts";
import { image } from "./image.ts";

const score = z.number().min(0).max(1);

/** Where a phrase stands in its caption, in Unicode code points: `end` is exclusive. */
const span = z.strictObject({ start: uint32, end: uint32 }).meta({ title: "Span" });

/** What every method that looks at a picture takes. */
const look = {
  image,
  /** Only what scores above it is given. */
  threshold: score,
  /** The best-scoring objects that are given at most; null: all that the model gives. */
  max_objects: uint32.min(1).nullable(),
  /** The picture is resized so that its short side has this length, in pixels; null: as the model's configuration says. */
  short_side: uint32.min(1).nullable(),
  /** … but its long side has at most this one; null: as the model's configuration says. */
  long_side: uint32.min(1).nullable(),
  /** Whether the result has `features`. */
  features: z.boolean(),
  /** Whether the result has `masks`; `unsupported` for a model that finds none. */
  masks: z.boolean(),
};

/**
 * What the region-word scores are made of, raw: a logit is the two vectors' dot product, scaled and with a bias that are
 * the model's. N objects, K categories or phrases, C channels. Where text and picture are fused, both depend on both.
 */
const features = z
  .strictObject({
    /** `[N, C]`: of the place of the feature map that each object came from. */
    regions: tensor({ dtypes: ["float32"], rank: 2 }),
    /** `[K, C]`: the mean over the tokens of each category or phrase. */
    texts: tensor({ dtypes: ["float32"], rank: 2 }),
  })
  .meta({ title: "Features" });

/** What was found, best score first. N objects; boxes are `[x1, y1, x2, y2]` in pixels of the upright picture. */
const found = {
  width: uint53,
  height: uint53,
  /** `[N, 4]` */
  boxes: tensor({ dtypes: ["float32"], rank: 2 }),
  /** `[N]` */
  scores: tensor({ dtypes: ["float32"], rank: 1 }),
  /** In how many prompts the categories or phrases were looked for. */
  passes: uint53,
  /** Null unless asked for. */
  features: features.nullable(),
  /** N masks: COCO's compressed run lengths of the upright picture's pixels. Null unless asked for. */
  masks: z.array(z.string()).nullable(),
};

/** How the phrases of a text and what they speak of are given. */
const grounded = {
  width: uint53,
  height: uint53,
  /** In the order of the text. */
  phrases: z.array(span),
  /** `[N, 4]`, as of `vision.ground`. */
  boxes: tensor({ dtypes: ["float32"], rank: 2 }),
  /** `[N]` */
  scores: tensor({ dtypes: ["float32"], rank: 1 }),
  /** `[N]`: index into `phrases`. */
  phrase_indices: tensor({ dtypes: ["int32"], rank: 1 }),
};

/** What the methods take that answer and tell. */
const understand = {
  image,
  /** Of the boxes, as for `vision.ground`. */
  threshold: score,
  max_objects: uint32.min(1).nullable(),
  short_side: uint32.min(1).nullable(),
  long_side: uint32.min(1).nullable(),
};

export const vision = {
  /** Looks at a picture and holds what was seen as `image.view`, which stands for the picture from then on. */
  "vision.look": {
    params: z.strictObject({ image, short_side: look.short_side, long_side: look.long_side }),
    /** Sides of the upright picture, in pixels. */
    result: z.strictObject({ width: uint53, height: uint53 }),
  },
  /** Forgets a view; one that is not held, too. */
  "vision.forget": { params: z.strictObject({ view: text }), result: z.strictObject({}) },
  /** Finds objects of the named categories. */
  "vision.detect": {
    params: z.strictObject({
      ...look,
      categories: z.array(text).min(1),
      /** One for each category, instead of `threshold`; null: that one for all. */
      thresholds: z.array(score).nullable(),
      /** A tuned prompt of `model.prompts`, whose categories these are, in their order; null: none. */
      prompt: text.nullable(),
    }),
    result: z.strictObject({
      ...found,
      /** `[N]`: index into the categories asked for. */
      categories: tensor({ dtypes: ["int32"], rank: 1 }),
    }),
  },
  /** Finds what the phrases of a caption speak of. */
  "vision.ground": {
    params: z.strictObject({
      ...look,
      caption: text,
      /** The phrases to look for; null: the caption's noun phrases. */
      phrases: z.array(span).min(1).nullable(),
    }),
    result: z.strictObject({
      ...found,
      /** In the order of the caption. */
      phrases: z.array(span),
      /** `[N]`: index into `phrases`. */
      phrase_indices: tensor({ dtypes: ["int32"], rank: 1 }),
    }),
  },
  /** Answers a question by one of several candidates, and finds what its phrases speak of. */
  "vision.answer": {
    params: z.strictObject({
      ...understand,
      question: text,
      /** The candidates; null: the model's own. */
      answers: z.array(text).min(1).nullable(),
      /** How many of them are given, best first. */
      top: uint32.min(1),
    }),
    result: z.strictObject({
      ...grounded,
      /** Of all candidates, probabilities add up to 1. */
      answers: z.array(z.strictObject({ answer: z.string(), probability: score }).meta({ title: "RankedAnswer" })),
    }),
  },
  /** Tells what is in a picture, and finds what the caption's noun phrases speak of. */
  "vision.caption": {
    params: z.strictObject({
      ...understand,
      mode: z.enum(["greedy", "beam", "sample"]),
      /** Of `beam`: beginnings that are kept, and the power of the length that log probabilities are divided by. */
      beams: uint32.min(1),
      length_penalty: z.number().min(0),
      /** Of `sample`. */
      temperature: z.number().gt(0),
      top_p: z.number().gt(0).max(1),
      seed: uint32,
      /** Most word pieces; null: as the model's configuration says. */
      max_tokens: uint32.min(1).nullable(),
    }),
    /** What is added to the caption, as soon as it is certain: of `beam`, at the end. */
    event: z.strictObject({ text: z.string() }),
    result: z.strictObject({
      ...grounded,
      caption: z.string(),
      /** Of the whole caption. */
      log_probability: z.number(),
      /** False: it was cut at the most tokens. */
      ended: z.boolean(),
    }),
  },
};
