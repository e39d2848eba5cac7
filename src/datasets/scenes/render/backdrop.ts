import { parseColor, type Rgb } from "../color.ts";
import { rotation } from "../rotation.ts";
import type { Background, Clutter } from "../scene.ts";
import type { Canvas } from "./canvas.ts";
import { shareOf } from "./pattern.ts";

export function paintBackground(canvas: Canvas, { from, to, pattern }: Background): void {
  const { size, data } = canvas;
  const [first, second] = [parseColor(from), parseColor(to)];
  const share = shareOf(pattern);
  for (let y = 0, at = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const part = share((x + 0.5) / size, (y + 0.5) / size);
      for (let channel = 0; channel < 3; channel++, at++)
        data[at] = (first[channel] as number) * (1 - part) + (second[channel] as number) * part;
    }
}

export function paintClutter(canvas: Canvas, clutter: Clutter): void {
  if (clutter.kind === "blob") return paintBlob(canvas, clutter);
  const color = parseColor(clutter.color);
  const covered = canvas.scratch;
  for (let index = 1; index < clutter.points.length; index++) {
    const [from, to] = [clutter.points[index - 1], clutter.points[index]] as [Point, Point];
    coverLine(canvas, covered, scale(from, canvas.size), scale(to, canvas.size), (clutter.width * canvas.size) / 2);
  }
  for (let pixel = 0; pixel < covered.length; pixel++) {
    const alpha = covered[pixel] as number;
    if (alpha > 0) canvas.blend(pixel, color, alpha * clutter.opacity);
    covered[pixel] = 0;
  }
}

type Point = readonly [x: number, y: number];

const scale = ([x, y]: Point, size: number): Point => [x * size, y * size];

/** A line with round ends; where lines of one stroke cross it is no darker. */
function coverLine(canvas: Canvas, covered: Float32Array, from: Point, to: Point, radius: number): void {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const square = Math.max(1e-9, dx * dx + dy * dy);
  const [first, last] = canvas.span(Math.min(from[0], to[0]) - radius - 1, Math.max(from[0], to[0]) + radius + 1);
  const [top, bottom] = canvas.span(Math.min(from[1], to[1]) - radius - 1, Math.max(from[1], to[1]) + radius + 1);
  for (let y = top; y <= bottom; y++)
    for (let x = first; x <= last; x++) {
      const px = x + 0.5 - from[0];
      const py = y + 0.5 - from[1];
      const along = Math.max(0, Math.min(1, (px * dx + py * dy) / square));
      const away = Math.hypot(px - along * dx, py - along * dy);
      const alpha = Math.min(1, radius + 0.5 - away);
      const pixel = y * canvas.size + x;
      if (alpha > (covered[pixel] as number)) covered[pixel] = alpha;
    }
}

function paintBlob(canvas: Canvas, blob: Extract<Clutter, { kind: "blob" }>): void {
  const { size } = canvas;
  const color: Rgb = parseColor(blob.color);
  const { cos, sin } = rotation(blob.turn);
  const reach = Math.max(blob.rx, blob.ry);
  const [first, last] = canvas.span((blob.x - reach) * size, (blob.x + reach) * size);
  const [top, bottom] = canvas.span((blob.y - reach) * size, (blob.y + reach) * size);
  for (let y = top; y <= bottom; y++)
    for (let x = first; x <= last; x++) {
      const dx = (x + 0.5) / size - blob.x;
      const dy = (y + 0.5) / size - blob.y;
      const u = (cos * dx + sin * dy) / blob.rx;
      const v = (cos * dy - sin * dx) / blob.ry;
      const alpha = Math.min(1, (1 - Math.sqrt(u * u + v * v)) / blob.soft);
      if (alpha > 0) canvas.blend(y * size + x, color, alpha * blob.opacity);
    }
}
