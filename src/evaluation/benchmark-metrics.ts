import { z } from "zod";
import { GlipError } from "../errors.ts";
import type { Result } from "../protocol/methods.ts";

/** 0 to 1; null where the pictures have nothing to measure. */
const part = z.number().min(0).max(1).nullable();

/** Average precision by COCO's rules: mean over the IoU thresholds 0.5 to 0.95, at two of them, and by objects' sizes. */
const precision = { AP: part, AP50: part, AP75: part, APs: part, APm: part, APl: part };

/** Average recall with so many detections a picture, and by objects' sizes. */
const recall = { AR1: part, AR10: part, AR100: part, ARs: part, ARm: part, ARl: part };

const coco = z.strictObject({ ...precision, ...recall });

/** Of rare, common and frequent categories, too. */
const lvis = z.strictObject({ ...precision, APr: part, APc: part, APf: part, AR: part });
const lvisRules = z.strictObject({
  /** The 10,000 best of each category in the whole set (Dave et al., 2021): what GLIP and GLIPv2 report. */
  fixed: lvis,
  /** The 300 best of each picture. */
  plain: lvis,
});

/** Recall of phrases by their best box, their five and ten best ones, and all of them. */
const recallOfPhrases = z.strictObject({ R1: part, R5: part, R10: part, upperBound: part });
const flickr30k = z.strictObject({
  /** A phrase of several boxes is found when one of them is. */
  separate: recallOfPhrases,
  /** When the box around all of them is. */
  merged: recallOfPhrases,
});

/** Overlap of phrases' masks: each phrase alike, by pixels, and the part of phrases above an IoU. */
const overlap = z.strictObject({
  meanIoU: part,
  cumulativeIoU: part,
  P50: part,
  P60: part,
  P70: part,
  P80: part,
  P90: part,
});
const phrasecut = z.strictObject({
  /** Of the boxes, as if all that is in them were the object. */
  filled: overlap,
  /** Of the masks, by a model that finds them. */
  mask: overlap.optional(),
});

/** How often the best box is the object that is meant, one of the five or ten best is, and the best one is by GIoU. */
const understood = z.strictObject({ accuracy: part, R5: part, R10: part, accuracyGIoU: part });
const refcoco = z.strictObject({ val: understood, testA: understood, testB: understood });

/** Over the sets, of each set's average precision. */
const odinw = z.strictObject({ AP: z.strictObject({ mean: part, median: part }) });

/** Accuracy of answers: of all, and of each type as the annotations call it. */
const vqa = z.strictObject({ accuracy: part, "yes/no": part, number: part, other: part });

const captions = z.strictObject({
  BLEU1: part,
  BLEU2: part,
  BLEU3: part,
  BLEU4: part,
  /** Null without its Java program; `notes` says what it needs. So is SPICE. */
  METEOR: part,
  ROUGE_L: part,
  /** CIDEr-D, as COCO's evaluation has it: 0 to 10, often given times 100. */
  CIDEr: z.number().min(0).max(10).nullable(),
  SPICE: part,
});

/** What each benchmark measures. `mask` is there where masks were measured. */
const metrics = {
  coco: z.strictObject({ box: coco, mask: coco.optional() }),
  "lvis-minival": z.strictObject({ box: lvisRules, mask: lvisRules.optional() }),
  "lvis-val": z.strictObject({ box: lvisRules, mask: lvisRules.optional() }),
  flickr30k,
  "flickr30k-val": flickr30k,
  phrasecut,
  "phrasecut-val": phrasecut,
  refcoco,
  "refcoco+": refcoco,
  refcocog: z.strictObject({ val: understood, test: understood }),
  odinw13: odinw,
  odinw35: odinw,
  vqav2: vqa,
  "vqav2-test-dev": vqa,
  "coco-captions": captions,
  "coco-captions-val2017": captions,
};

export type BenchmarkName = keyof typeof metrics;
export const benchmarkNames = Object.keys(metrics) as BenchmarkName[];

/** By benchmark. */
export type BenchmarkMetrics = { [Name in BenchmarkName]: z.output<(typeof metrics)[Name]> };

/**
 * The worker's names with dots as objects in each other: `box.AP` is `metrics.box.AP`.
 * @throws GlipError `invalid_message` for others than the benchmark's
 */
export function metricsOf<Name extends BenchmarkName>(
  benchmark: Name,
  given: Result<"evaluate.benchmark">["metrics"],
): BenchmarkMetrics[Name] {
  const parsed = metrics[benchmark].safeParse(nested(given));
  if (parsed.success) return parsed.data as BenchmarkMetrics[Name];
  const { path, message } = parsed.error.issues[0] as z.core.$ZodIssue;
  const reason = `the figures of ${benchmark} do not fit: ${path.join(".")}: ${message}`;
  throw new GlipError("invalid_message", `The worker sent a message that does not fit the protocol: ${reason}`, {
    reason,
  });
}

interface Nested {
  [name: string]: number | null | Nested;
}

function nested(given: Readonly<Record<string, number | null>>): Nested {
  const result: Nested = {};
  for (const [path, value] of Object.entries(given)) {
    const names = path.split(".");
    const last = names.pop() as string;
    let at = result;
    for (const name of names) at = (at[name] ??= {}) as Nested;
    at[last] = value;
  }
  return result;
}
