export type Rgb = [red: number, green: number, blue: number];

/** 0 … 255 each, from `#rrggbb`. */
export function parseColor(color: string): Rgb {
  const value = Number.parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function formatColor(rgb: Rgb): string {
  return `#${rgb
    .map((value) =>
      Math.max(0, Math.min(255, Math.round(value)))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

/** How far two colours are apart, 0 to about 765: differences of the channels, weighed as the eye does ("redmean"). */
export function distance(first: string, second: string): number {
  const [a, b] = [parseColor(first), parseColor(second)];
  const red = (a[0] + b[0]) / 2;
  const weights = [2 + red / 256, 4, 2 + (255 - red) / 256];
  return Math.sqrt(
    weights.reduce((sum, weight, channel) => {
      const difference = (a[channel] as number) - (b[channel] as number);
      return sum + weight * difference * difference;
    }, 0),
  );
}

/** `share` of the second, the rest of the first. */
export function mix(first: string, second: string, share: number): string {
  const [a, b] = [parseColor(first), parseColor(second)];
  return formatColor(a.map((value, channel) => value + ((b[channel] as number) - value) * share) as Rgb);
}
