import { messageOf } from "../../errors.ts";
import type { Color } from "../../images/palette.ts";
import { sizeOf } from "../../images/picture.ts";
import { render } from "../../images/render.ts";
import type { RunCase, Verdict } from "../run-folder.ts";

/** Longest side of a picture in the report, in pixels. */
const SIZE = 520;
const QUALITY = 82;

/** Of the boxes, and of the legend. */
export const verdictColors: ReadonlyMap<Verdict, Color> = new Map([
  ["right", "#60f4af"],
  ["wrong", "#f92da2"],
  ["missed", "#ff9f1c"],
  ["true", "#1f78ff"],
]);

/** A case as the report shows it. */
export interface DrawnCase extends RunCase {
  /** A `data:` URL; undefined where the picture cannot be drawn, and `reason` says why. */
  drawn: string | undefined;
  reason: string | undefined;
}

export async function drawCases(cases: readonly RunCase[]): Promise<DrawnCase[]> {
  const drawn: DrawnCase[] = [];
  // One after the other: a picture may be large.
  for (const one of cases) drawn.push(await draw(one));
  return drawn;
}

async function draw(one: RunCase): Promise<DrawnCase> {
  const image = { path: one.picture };
  try {
    const items = one.boxes.map(({ label, box, verdict, score }) => ({
      label,
      box,
      colorKey: verdict,
      ...(score === null ? {} : { score }),
    }));
    const upright = await sizeOf(image);
    const [width, height] = one.size ?? [upright.width, upright.height];
    // The boxes are those of the pixels as they are stored, and a drawing is upright.
    if (width !== upright.width || height !== upright.height) throw new Error("it is stored turned, or was changed");
    const annotation = { width, height, items, colors: verdictColors };
    const bytes = await render(annotation, image, "jpeg", { size: SIZE, quality: QUALITY });
    const url = `data:image/jpeg;base64,${Buffer.from(bytes).toString("base64")}`;
    return { ...one, drawn: url, reason: undefined };
  } catch (error) {
    // A report of a run whose pictures are elsewhere is still one.
    return { ...one, drawn: undefined, reason: messageOf(error) };
  }
}
