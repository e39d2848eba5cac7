/**
 * Colours for labels. The first eight keep apart for every kind of colour vision (normal, protanopia, deuteranopia,
 * tritanopia); the second eight extend them for pictures with more labels than that.
 */
export const palette = [
  "#ff9f1c",
  "#1f78ff",
  "#60f4af",
  "#f92da2",
  "#862628",
  "#dda8fe",
  "#7c09aa",
  "#6e8210",
  "#1ed1cd",
  "#fd1133",
  "#e2d86d",
  "#332bdc",
  "#d66f6a",
  "#88c16b",
  "#8f84dd",
  "#aa2580",
] as const;

export type Color = (typeof palette)[number];

const FIRST = 8;

/**
 * A colour for each key. A key prefers the same colour everywhere; where two of one picture prefer the same, the later
 * takes the next that is free. Past sixteen keys colours repeat.
 */
export function assignColors(keys: Iterable<string>): Map<string, Color> {
  const colors = new Map<string, Color>();
  const taken = new Set<number>();
  for (const key of new Set(keys)) {
    const base = taken.size < FIRST ? 0 : FIRST;
    let offset = hash(key) % FIRST;
    for (let tries = 1; tries < FIRST && taken.has(base + offset); tries++) offset = (offset + 1) % FIRST;
    taken.add(base + offset);
    colors.set(key, palette[base + offset] as Color);
  }
  return colors;
}

/** Black or white, whichever is easier to read on `background` (`#rrggbb`). */
export function inkOn(background: string): "#000000" | "#ffffff" {
  const luminance = relativeLuminance(background);
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? "#000000" : "#ffffff";
}

/** Relative luminance of WCAG 2, 0 to 1. */
export function relativeLuminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Chosen so that the words that are asked for most get colours far apart. */
const SEED = 0x811c96b4;

/** FNV-1a over UTF-16 units, upper and lower case alike. */
function hash(text: string): number {
  let value = SEED;
  const folded = text.toLowerCase();
  for (let index = 0; index < folded.length; index++) {
    value = Math.imul(value ^ folded.charCodeAt(index), 0x01000193) >>> 0;
  }
  return (value ^ (value >>> 15)) >>> 0;
}
