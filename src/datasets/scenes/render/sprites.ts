import type { IconStyle } from "../categories.ts";
import { type Icon, iconSvg, loadIcons } from "../icon-svg.ts";
import type { SceneObject } from "../scene.ts";
import { shapeSvg } from "../shapes.ts";
import type { SharpModule } from "./sharp.ts";
import { makeSprite, type Sprite } from "./sprite.ts";

/** Rasters of the icons and shapes, each made once when the first scene wants it. */
export class Sprites {
  readonly #sharp: SharpModule;
  readonly #side: number;
  readonly #icons = new Map<IconStyle, Promise<ReadonlyMap<string, Icon>>>();
  readonly #sprites = new Map<string, Promise<Sprite>>();

  /** @param size side of the pictures, in pixels: objects are at most half of it */
  constructor(sharp: SharpModule, size: number) {
    this.#sharp = sharp;
    this.#side = size > 512 ? 512 : 256;
  }

  async of(object: SceneObject): Promise<Sprite> {
    const key = object.kind === "icon" ? `${object.style}/${object.icon}` : object.category;
    let sprite = this.#sprites.get(key);
    if (sprite === undefined) this.#sprites.set(key, (sprite = this.#make(object)));
    return sprite;
  }

  async #make(object: SceneObject): Promise<Sprite> {
    const svg =
      object.kind === "shape" ? shapeSvg(object.category, this.#side) : iconSvg(await this.#icon(object), this.#side);
    const raster = this.#sharp(Buffer.from(svg)).toColourspace("srgb").ensureAlpha().raw();
    return makeSprite(await raster.toBuffer(), this.#side);
  }

  async #icon({ style, icon }: Extract<SceneObject, { kind: "icon" }>): Promise<Icon> {
    let icons = this.#icons.get(style);
    if (icons === undefined) this.#icons.set(style, (icons = loadIcons(style)));
    const found = (await icons).get(icon);
    if (found === undefined) throw new Error(`no icon ${icon} in ${style}: run scripts/scene-icons.ts`);
    return found;
  }
}
