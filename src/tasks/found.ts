import { GlipError, messageOf } from "../errors.ts";
import type { Box } from "../images/annotation.ts";
import { Mask } from "../images/mask.ts";
import type { Tensor } from "../protocol/tensor.ts";

/** One found object, as it came; `index` is its category's or its phrase's. */
export interface Found {
  box: Box;
  score: number;
  index: number;
  mask?: Mask;
}

/** What the results of such methods have in common; see `protocol/vision.ts`. */
export interface FoundResult {
  width: number;
  height: number;
  /** `[N, 4]` */
  boxes: Tensor<"float32">;
  /** `[N]` */
  scores: Tensor<"float32">;
  /** `[N]` */
  indices: Tensor<"int32">;
  masks: readonly string[] | null;
}

/**
 * Objects out of the tensors they came in.
 * @param count how many categories or phrases there are
 * @param masked whether masks were asked for
 * @throws GlipError `invalid_message` when the tensors do not belong together
 */
export function readFound(method: string, result: FoundResult, count: number, masked = false): Found[] {
  const { boxes, scores, indices } = result;
  const [total, corners] = boxes.shape;
  if (corners !== 4 || scores.size !== total || indices.size !== total) {
    const shapes = [boxes, scores, indices].map((tensor) => `[${tensor.shape.join(", ")}]`).join(", ");
    throw unfitting(method, `boxes, scores and indices do not belong together: ${shapes}`);
  }
  const masks = masked ? readMasks(method, result) : undefined;
  return Array.from(indices.data, (index, row) => {
    if (index < 0 || index >= count) throw unfitting(method, `object ${row} has index ${index} of ${count}`);
    const corner = (axis: number): number => boxes.data[4 * row + axis] as number;
    const mask = masks?.[row];
    const box: Box = [corner(0), corner(1), corner(2), corner(3)];
    return { box, score: scores.data[row] as number, index, ...(mask && { mask }) };
  });
}

function readMasks(method: string, { masks, scores, width, height }: FoundResult): Mask[] {
  if (masks?.length !== scores.size) {
    throw unfitting(method, `there are ${masks?.length ?? "no"} masks of ${scores.size} objects`);
  }
  return masks.map((counts, row) => {
    try {
      return new Mask({ size: [height, width], counts });
    } catch (error) {
      throw unfitting(method, `object ${row}: ${messageOf(error)}`);
    }
  });
}

function unfitting(method: string, reason: string): GlipError<"invalid_message"> {
  const text = `The worker sent a message that does not fit the protocol: the result of ${method}: ${reason}`;
  return new GlipError("invalid_message", text, { reason });
}
