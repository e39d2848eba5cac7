import { isGlipError } from "../errors.ts";
import { type ImageInput, type ResolvedImage, resolveImage, type ResolveImageOptions } from "../images/source.ts";

/** A picture that a worker holds as a view. */
export class Held {
  /** What the worker knows it by. */
  readonly name: string;
  readonly picture: ResolvedImage;
  readonly sides: { shortSide: number | undefined; longSide: number | undefined };

  constructor(name: string, picture: ResolvedImage, sides: Held["sides"]) {
    this.name = name;
    this.picture = picture;
    this.sides = sides;
  }
}

/** What a task looks at. */
export type Picture = ImageInput | Held;

/** @throws GlipError as `resolveImage`; a held one is not read again */
export async function pictureOf(image: Picture, options: ResolveImageOptions): Promise<ResolvedImage> {
  return image instanceof Held ? image.picture : resolveImage(image, options);
}

/** Whether a worker does not hold the view: it dropped it for others, it was restarted, or it is another one. */
export function isNotHeld(error: unknown): boolean {
  return isGlipError(error, "invalid_argument") && error.details.path === "image.view";
}
