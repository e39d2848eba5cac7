/** Shapes in a square of 100 x 100: an SVG path each. A line of 6 around it is drawn too, so it keeps 3 from the border. */
const paths = {
  circle: "M50 3A47 47 0 1 1 50 97A47 47 0 1 1 50 3Z",
  square: "M3 3H97V97H3Z",
  triangle: "M50 7L97 90H3Z",
  star: "M50 4L61.5 38.2L97 38.6L68.6 60L79.1 94L50 73.4L20.9 94L31.4 60L3 38.6L38.5 38.2Z",
  heart: "M50 94C20 70 3 52 3 32C3 16 15 7 27 7C37 7 45 13 50 22C55 13 63 7 73 7C85 7 97 16 97 32C97 52 80 70 50 94Z",
  diamond: "M50 3L82 50L50 97L18 50Z",
  hexagon: "M26.5 9.3H73.5L97 50L73.5 90.7H26.5L3 50Z",
  cross: "M36 3H64V36H97V64H64V97H36V64H3V36H36Z",
  ring: "M50 3A47 47 0 1 1 50 97A47 47 0 1 1 50 3ZM50 29A21 21 0 1 0 50 71A21 21 0 1 0 50 29Z",
  arrow: "M97 50L55 90V66H3V34H55V10Z",
  crescent: "M64 4A47 47 0 1 0 64 96A52 52 0 0 1 64 4Z",
} as const;

export type ShapeName = keyof typeof paths;
export const shapeNames = Object.keys(paths) as ShapeName[];

/** How far a shape may be turned without becoming another one, in degrees to either side. */
export const shapeTurns: Record<ShapeName, number> = {
  circle: 0,
  square: 18,
  triangle: 40,
  star: 36,
  heart: 40,
  diamond: 18,
  hexagon: 30,
  cross: 18,
  ring: 0,
  arrow: 180,
  crescent: 180,
};

/** The colour names, and a typical tone of each. */
export const colors = {
  red: "#dc2626",
  orange: "#f58a0b",
  yellow: "#f7d716",
  green: "#2f9e36",
  blue: "#2459d8",
  purple: "#7c2fb5",
  pink: "#f58cc0",
  brown: "#7a4a21",
  black: "#1c1c1e",
  white: "#f6f6f4",
} as const;

export type ColorName = keyof typeof colors;
export const colorNames = Object.keys(colors) as ColorName[];

/** Pairs that training never shows and never names, though it has the colour and the shape. */
export const heldOutPairs: readonly (readonly [ColorName, ShapeName])[] = [
  ["purple", "circle"],
  ["orange", "square"],
  ["black", "square"],
  ["blue", "triangle"],
  ["green", "star"],
  ["pink", "star"],
  ["yellow", "heart"],
  ["red", "diamond"],
  ["pink", "hexagon"],
  ["brown", "cross"],
  ["purple", "cross"],
  ["white", "ring"],
  ["black", "arrow"],
  ["orange", "crescent"],
  ["blue", "crescent"],
];

export const isHeldOutPair = (color: ColorName, shape: ShapeName): boolean =>
  heldOutPairs.some(([c, s]) => c === color && s === shape);

/**
 * The shape as an SVG. What is inside is black and the line around it white: the renderer paints each in its colour,
 * so that one raster serves all of them.
 *
 * @param side in pixels
 */
export function shapeSvg(name: ShapeName, side: number): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 100 100">` +
    `<path d="${paths[name]}" fill="#000" stroke="#fff" stroke-width="6" stroke-linejoin="round"/></svg>`
  );
}
