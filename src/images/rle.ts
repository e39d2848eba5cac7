/** A mask as COCO stores it. */
export interface RunLengths {
  /** Height and width in pixels. */
  size: [height: number, width: number];
  /** Lengths of the runs, in COCO's compressed text. */
  counts: string;
}

/**
 * The lengths of the runs of a mask, the first of them outside of it.
 *
 * @param edges where, counted column by column, the mask begins, ends, begins again …
 * @param pixels of the whole picture
 */
export function runLengths(edges: readonly number[], pixels: number): number[] {
  return [...edges, pixels].map((edge, index) => edge - (edges[index - 1] ?? 0));
}

/**
 * COCO's text of run lengths: from the fourth on, the difference to the run before the last; each number in groups of
 * five bits, the lowest first, a sixth bit for "more follows", moved to printable characters from `0` on.
 */
export function compress(runs: readonly number[]): string {
  let text = "";
  runs.forEach((run, index) => {
    let value = index > 2 ? run - (runs[index - 2] as number) : run;
    for (let more = true; more;) {
      const bits = value & 31;
      value >>= 5;
      // Done when what is left is the sign, and the sign bit of this group says the same.
      more = (bits & 16) === 0 ? value !== 0 : value !== -1;
      text += String.fromCharCode((more ? bits | 32 : bits) + 48);
    }
  });
  return text;
}

/** The lengths that `compress` wrote; undefined for any other text. */
export function decompress(text: string): number[] | undefined {
  const runs: number[] = [];
  let value = 0;
  let shift = 0;
  for (let index = 0; index < text.length; index++) {
    const bits = text.charCodeAt(index) - 48;
    // No run is longer than 2^31, which seven groups hold.
    if (bits < 0 || bits > 63 || shift > 30) return undefined;
    value |= (bits & 31) << shift;
    shift += 5;
    if ((bits & 32) !== 0) continue;
    if ((bits & 16) !== 0 && shift < 32) value |= -1 << shift;
    runs.push(value + (runs.length > 2 ? (runs[runs.length - 2] as number) : 0));
    value = shift = 0;
  }
  return shift === 0 && runs.length > 0 ? runs : undefined;
}
