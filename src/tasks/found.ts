import { GlipError } from "../errors.ts";
import type { Box } from "../images/annotation.ts";
import type { Tensor } from "../protocol/tensor.ts";

/** One found object, as it came; `index` is its category's or its phrase's. */
export interface Found {
  box: Box;
  score: number;
  index: number;
}

export interface FoundTensors {
  /** `[N, 4]` */
  boxes: Tensor<"float32">;
  /** `[N]` */
  scores: Tensor<"float32">;
  /** `[N]` */
  indices: Tensor<"int32">;
}

/**
 * Objects out of the tensors they came in.
 * @param count how many categories or phrases there are
 * @throws GlipError `invalid_message` when the tensors do not belong together
 */
export function readFound(method: string, { boxes, scores, indices }: FoundTensors, count: number): Found[] {
  const [total, corners] = boxes.shape;
  if (corners !== 4 || scores.size !== total || indices.size !== total) {
    const shapes = [boxes, scores, indices].map((tensor) => `[${tensor.shape.join(", ")}]`).join(", ");
    throw unfitting(method, `boxes, scores and indices do not belong together: ${shapes}`);
  }
  return Array.from(indices.data, (index, row) => {
    if (index < 0 || index >= count) throw unfitting(method, `object ${row} has index ${index} of ${count}`);
    const corner = (axis: number): number => boxes.data[4 * row + axis] as number;
    return { box: [corner(0), corner(1), corner(2), corner(3)], score: scores.data[row] as number, index };
  });
}

function unfitting(method: string, reason: string): GlipError<"invalid_message"> {
  const text = `The worker sent a message that does not fit the protocol: the result of ${method}: ${reason}`;
  return new GlipError("invalid_message", text, { reason });
}
