import type { Scene } from "../scene.ts";
import { paintBackground, paintClutter } from "./backdrop.ts";
import { Canvas } from "./canvas.ts";
import { develop } from "./finish.ts";
import { paintObject } from "./object.ts";
import { loadSharp, type SharpModule } from "./sharp.ts";
import type { Sprite } from "./sprite.ts";
import { Sprites } from "./sprites.ts";

/** A drawn scene. */
export interface Rendered {
  /** A JPEG file. */
  file: Buffer;
  /** For each pixel, row by row: the id of the object that is seen there, or -1. */
  owner: Int8Array;
}

/** Draws scenes of one size. Painting is this thread's; blur and JPEG go on in sharp's while the next is painted. */
export class Renderer {
  /** Width and height of the pictures, in pixels. */
  readonly size: number;
  readonly #sharp: SharpModule;
  readonly #sprites: Sprites;
  readonly #canvas: Canvas;

  private constructor(size: number, sharp: SharpModule) {
    this.size = size;
    this.#sharp = sharp;
    this.#sprites = new Sprites(sharp, size);
    this.#canvas = new Canvas(size);
  }

  /** @throws GlipError `unsupported` when sharp has no build for this platform */
  static async open(size: number): Promise<Renderer> {
    return new Renderer(size, await loadSharp());
  }

  async render(scene: Scene): Promise<Rendered> {
    const sprites = await Promise.all(scene.objects.map((object) => this.#sprites.of(object)));
    // From here to `develop` nothing waits: the canvas is free for the next scene then.
    const owner = this.#paint(scene, sprites);
    const data = develop(this.#canvas, scene.finish, Math.imul(scene.seed, 31) + scene.index);
    let picture = this.#sharp(data, { raw: { width: this.size, height: this.size, channels: 3 } });
    const blur = scene.finish.blur * this.size;
    // Below this sharp has no blur to give.
    if (blur >= 0.3) picture = picture.blur(blur);
    return { file: await picture.jpeg({ quality: scene.finish.quality }).toBuffer(), owner };
  }

  #paint({ background, clutter, objects }: Scene, sprites: Sprite[]): Int8Array {
    const owner = new Int8Array(this.size * this.size).fill(-1);
    paintBackground(this.#canvas, background);
    for (const thing of clutter) paintClutter(this.#canvas, thing);
    for (const [index, object] of objects.entries()) paintObject(this.#canvas, sprites[index] as Sprite, object, owner);
    return owner;
  }
}
