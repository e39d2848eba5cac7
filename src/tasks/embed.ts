import { z } from "zod";
import { GlipError } from "../errors.ts";
import type { Result } from "../protocol/methods.ts";
import { Tensor } from "../protocol/tensor.ts";
import { checkArgument } from "../protocol/validate.ts";
import type { Caller } from "./caller.ts";
import { checkDetect, type DetectOptions, findCategories } from "./detect.ts";
import { checkGround, findPhrases, type GroundOptions } from "./ground.ts";
import type { Picture } from "./held.ts";
import type { Detections } from "./results/detections.ts";
import type { Grounding } from "./results/grounding.ts";

export interface EmbedChoice {
  /**
   * Whether the vectors have length 1, so that a dot product is a cosine. Raw ones are what the model scores with: a
   * logit is their dot product, scaled and with a bias that are the model's. @default true
   */
  normalize?: boolean | undefined;
}

/** Vectors of one space for regions and words. */
export interface Embeddings<Found = Detections | Grounding> {
  /** What was found. */
  found: Found;
  /** `[N, C]`: a row for each of `found.objects`, of the place in the picture that it was found at. */
  regions: Tensor<"float32">;
  /** `[K, C]`: a row for each category or phrase, the mean over its tokens. */
  texts: Tensor<"float32">;
}

const choice = z.strictObject({ normalize: z.boolean().default(true) });

/** Finds objects and gives the vectors they were found by. For `Glip.embed`. */
export async function embed(
  caller: Caller,
  image: Picture,
  text: string | readonly string[],
  { normalize: chosen, ...options }: EmbedChoice & DetectOptions & GroundOptions = {},
): Promise<Embeddings> {
  const { normalize } = checkArgument(choice, { normalize: chosen }, "options");
  const { found, rows, features } =
    typeof text === "string"
      ? await findPhrases(caller, image, checkGround(text, options), { features: true })
      : { rows: undefined, ...(await findCategories(caller, image, checkDetect(text, options), { features: true })) };
  const { regions, texts } = checkFeatures(features, found);
  const finish = normalize ? unitRows : (tensor: Tensor<"float32">) => tensor;
  return { found, regions: finish(rows === undefined ? regions : taken(regions, rows)), texts: finish(texts) };
}

type Features = NonNullable<Result<"vision.detect">["features"]>;

function checkFeatures(features: Features | null, found: Detections | Grounding): Features {
  const names = "categories" in found ? found.categories : found.phrases;
  const { regions, texts } = features ?? {};
  const [length, width] = regions?.shape ?? [];
  if (features !== null && length === found.objects.length && texts?.shape.join() === `${names.length},${width}`)
    return features;
  const shapes = [regions, texts].map((tensor) => `[${tensor?.shape.join(", ") ?? ""}]`).join(", ");
  const reason = `features do not belong to ${found.objects.length} objects of ${names.length} kinds: ${shapes}`;
  throw new GlipError("invalid_message", `The worker sent a message that does not fit the protocol: ${reason}`, {
    reason,
  });
}

/** The rows of `tensor` in the order of `rows`. */
function taken(tensor: Tensor<"float32">, rows: readonly number[]): Tensor<"float32"> {
  const result = Tensor.zeros("float32", tensor.shape);
  const width = tensor.shape[1] as number;
  for (const [to, from] of rows.entries())
    result.data.set(tensor.data.subarray(from * width, (from + 1) * width), to * width);
  return result;
}

/** Each row divided by its length; a row of zeros stays. */
function unitRows(tensor: Tensor<"float32">): Tensor<"float32"> {
  const width = tensor.shape[1] as number;
  const result = Tensor.zeros("float32", tensor.shape);
  for (let start = 0; start < tensor.size; start += width) {
    const row = tensor.data.subarray(start, start + width);
    const length = Math.hypot(...row);
    if (length > 0)
      result.data.set(
        row.map((value) => value / length),
        start,
      );
  }
  return result;
}
