import { rotation } from "../rotation.ts";
import type { Pattern } from "../scene.ts";
import { smoothNoise } from "./noise.ts";

/** How much of the second colour a place has, 0 to 1; `x` and `y` are fractions of the picture's side. */
export type Share = (x: number, y: number) => number;

export function shareOf(pattern: Pattern): Share {
  switch (pattern.kind) {
    case "flat":
      return () => 0;
    case "linear": {
      const { cos, sin } = rotation(pattern.angle);
      const reach = Math.abs(cos) + Math.abs(sin);
      return (x, y) => (cos * (x - 0.5) + sin * (y - 0.5)) / reach + 0.5;
    }
    case "radial":
      return (x, y) => Math.min(1, Math.hypot(x - pattern.x, y - pattern.y) / pattern.radius);
    case "noise":
      return smoothNoise(pattern);
    case "stripes": {
      const { cos, sin } = rotation(pattern.angle);
      const wave = (x: number, y: number): number => triangle((cos * x + sin * y) / pattern.width);
      return pattern.soft ? wave : (x, y) => step(wave(x, y), pattern.width);
    }
    case "checks": {
      const { cos, sin } = rotation(pattern.angle);
      const edge = (along: number): number => 2 * step(triangle(along / pattern.width), pattern.width) - 1;
      return (x, y) => (1 + edge(cos * x + sin * y) * edge(cos * y - sin * x)) / 2;
    }
    case "dots": {
      const { cos, sin } = rotation(pattern.angle);
      const middle = (along: number): number => along - Math.floor(along) - 0.5;
      return (x, y) => {
        const [u, v] = [middle((cos * x + sin * y) / pattern.width), middle((cos * y - sin * x) / pattern.width)];
        return clamp((pattern.radius - Math.hypot(u, v)) * pattern.width * 200 + 0.5);
      };
    }
    case "horizon":
      return (x, y) => {
        const depth = y - pattern.y - pattern.slope * (x - 0.5);
        return depth < 0 ? clamp(0.5 + depth * 200) * 0.2 - depth * 0.2 : Math.min(1, 0.75 + depth * 0.3);
      };
  }
}

/** 0 at even numbers, 1 at odd ones, straight between. */
function triangle(value: number): number {
  return 1 - Math.abs(value - 2 * Math.floor(value / 2) - 1);
}

/** A triangle wave of the given period made a hard edge, about a pixel of 256 wide. */
function step(wave: number, width: number): number {
  return clamp((wave - 0.5) * width * 200 + 0.5);
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}
