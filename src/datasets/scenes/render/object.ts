import { parseColor } from "../color.ts";
import { rotation } from "../rotation.ts";
import type { SceneObject } from "../scene.ts";
import type { Canvas } from "./canvas.ts";
import { type Level, levelFor, sample, type Sprite } from "./sprite.ts";

/** From this opacity a pixel is the object's. */
const OPAQUE = 0.5;

/**
 * Paints an object over what is there.
 *
 * @param owner of each pixel of the picture: the id of the frontmost object that covers it, or -1
 */
export function paintObject(canvas: Canvas, sprite: Sprite, object: SceneObject, owner: Int8Array): void {
  if (object.shadow > 0) paintShadow(canvas, sprite, object);
  const level = levelFor(sprite, object.extent * canvas.size);
  const tint = object.kind === "shape" ? tinter(object) : undefined;
  const { data } = canvas;
  cover(canvas, level, object, (pixel, value, v) => {
    tint?.(value, v);
    const alpha = value[3] as number;
    const at = pixel * 3;
    data[at] = (data[at] as number) * (1 - alpha) + (value[0] as number);
    data[at + 1] = (data[at + 1] as number) * (1 - alpha) + (value[1] as number);
    data[at + 2] = (data[at + 2] as number) * (1 - alpha) + (value[2] as number);
    if (alpha >= OPAQUE) owner[pixel] = object.id;
  });
}

const BLACK = [0, 0, 0] as const;

/** The same outline, small enough to be blurred when it is enlarged, below and to the right. */
function paintShadow(canvas: Canvas, sprite: Sprite, object: SceneObject): void {
  const away = 0.04 * object.extent;
  const level = levelFor(sprite, 20);
  cover(canvas, level, { ...object, x: object.x + away, y: object.y + 2 * away }, (pixel, value) =>
    canvas.blend(pixel, BLACK, (value[3] as number) * object.shadow),
  );
}

/** Calls `paint` for each pixel that the object's square covers, with the sprite's value and the height in the square. */
function cover(
  canvas: Canvas,
  level: Level,
  { x, y, extent, turn, flip }: SceneObject,
  paint: (pixel: number, value: Float32Array, v: number) => void,
): void {
  const { size } = canvas;
  const { cos, sin } = rotation(turn);
  const side = extent * size;
  const reach = (Math.abs(cos) + Math.abs(sin)) * (side / 2) + 1;
  const [cx, cy] = [x * size, y * size];
  const [first, last] = canvas.span(cx - reach, cx + reach);
  const [top, bottom] = canvas.span(cy - reach, cy + reach);
  const value = new Float32Array(4);
  for (let row = top; row <= bottom; row++)
    for (let column = first; column <= last; column++) {
      const dx = (column + 0.5 - cx) / side;
      const dy = (row + 0.5 - cy) / side;
      const u = (flip ? -1 : 1) * (cos * dx + sin * dy) + 0.5;
      const v = cos * dy - sin * dx + 0.5;
      if (u < -0.05 || v < -0.05 || u > 1.05 || v > 1.05) continue;
      sample(level, u, v, value);
      if ((value[3] as number) > 0) paint(row * size + column, value, v);
    }
}

/** A shape's sprite is black inside and white on its line: puts the shape's own colours into a sampled value. */
function tinter(object: Extract<SceneObject, { kind: "shape" }>): (value: Float32Array, v: number) => void {
  const [fill, line] = [parseColor(object.fill), parseColor(object.outline)];
  const plain = object.outline === object.fill;
  return (value, v) => {
    const shade = 1 + object.shade * (v - 0.5);
    const onLine = (value[0] as number) / 255;
    const inside = ((value[3] as number) - onLine) * shade;
    const lined = onLine * (plain ? shade : 1);
    value[0] = fill[0] * inside + line[0] * lined;
    value[1] = fill[1] * inside + line[1] * lined;
    value[2] = fill[2] * inside + line[2] * lined;
  };
}
