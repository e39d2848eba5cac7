import { formatColor, mix } from "../color.ts";
import type { Random } from "../random.ts";
import type { Background, Pattern } from "../scene.ts";

/** Any background: quiet ones and busy ones, dark, light and coloured. */
export function composeBackground(random: Random): Background {
  const from = anyColor(random);
  const other = anyColor(random);
  const pattern = anyPattern(random);
  // Busy patterns of two strong colours would hide everything that lies on them.
  const busy = pattern.kind === "stripes" || pattern.kind === "checks" || pattern.kind === "dots";
  return { from, to: busy ? mix(from, other, random.between(0.15, 0.5)) : other, pattern };
}

/** Greys and muted tones more often than strong ones. */
export function anyColor(random: Random): string {
  const strength = random.weighted([
    [0, 2],
    [0.35, 5],
    [0.8, 2],
  ] as const);
  const lightness = random.between(35, 245);
  const channel = (): number => lightness + (random.between(0, 255) - lightness) * strength;
  return formatColor([channel(), channel(), channel()]);
}

function anyPattern(random: Random): Pattern {
  const angle = random.integer(0, 179);
  const kind = random.weighted([
    ["flat", 2],
    ["linear", 3],
    ["radial", 2],
    ["noise", 5],
    ["stripes", 2],
    ["checks", 1.5],
    ["dots", 1.5],
    ["horizon", 3],
  ] as const);
  switch (kind) {
    case "flat":
      return { kind };
    case "linear":
      return { kind, angle: random.integer(0, 359) };
    case "radial":
      return { kind, x: random.between(0, 1), y: random.between(0, 1), radius: random.between(0.4, 1.2) };
    case "noise": {
      // Cells much longer than wide give grain, as of wood or cloth.
      const [wide, high] = [random.between(0.04, 0.5), random.between(0.04, 0.5)];
      const octaves = random.integer(1, 4);
      return { kind, width: wide, height: random.chance(0.4) ? high : wide, octaves, seed: random.uint32() };
    }
    case "stripes":
      return { kind, width: random.between(0.03, 0.16), angle, soft: random.chance(0.4) };
    case "checks":
      return { kind, width: random.between(0.04, 0.16), angle };
    case "dots":
      return { kind, width: random.between(0.06, 0.16), angle, radius: random.between(0.15, 0.38) };
    case "horizon":
      return { kind, y: random.between(0.3, 0.75), slope: random.between(-0.15, 0.15) };
  }
}
