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
