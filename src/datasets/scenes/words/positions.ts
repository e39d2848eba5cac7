import type { SeenObject } from "./view.ts";

/** Where in the picture, and how a sentence says it. */
export const positionPhrases = {
  "top left": "at the top left",
  top: "at the top",
  "top right": "at the top right",
  left: "on the left",
  center: "in the center",
  right: "on the right",
  "bottom left": "at the bottom left",
  bottom: "at the bottom",
  "bottom right": "at the bottom right",
} as const;

export type Position = keyof typeof positionPhrases;
export const positions = Object.keys(positionPhrases) as Position[];

/** The ninth of the picture that the middle of what is visible lies in; undefined when it is near a border of two. */
export function positionOf({ seen }: SeenObject): Position | undefined {
  const [across, down] = [third(seen.x, "left", "right"), third(seen.y, "top", "bottom")];
  if (across === undefined || down === undefined) return undefined;
  const words = [down, across].filter((word) => word !== "");
  return (words.length === 0 ? "center" : words.join(" ")) as Position;
}

function third(value: number, low: string, high: string): string | undefined {
  if (value < 0.31) return low;
  if (value > 0.69) return high;
  return value > 0.36 && value < 0.64 ? "" : undefined;
}
