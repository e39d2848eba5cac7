const LEVELS = "▁▂▃▄▅▆▇█";

/** A curve of at most `width` characters: each is the mean of the values that fall to it. */
export function sparkline(values: readonly number[], width: number): string {
  const count = Math.min(width, values.length);
  const means = Array.from({ length: count }, (_, index) => {
    const part = values.slice(
      Math.floor((index * values.length) / count),
      Math.floor(((index + 1) * values.length) / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const level = (value: number): string => {
    const part = high > low ? (value - low) / (high - low) : 0;
    return LEVELS[Math.min(LEVELS.length - 1, Math.floor(part * LEVELS.length))] ?? "";
  };
  return means.map(level).join("");
}
