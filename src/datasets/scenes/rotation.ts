/**
 * Cosine and sine of an angle in degrees. Series of plain arithmetic, so that all engines agree to the last bit:
 * `Math.sin` may be rounded differently from one to the next, and positions decide which sentences are true.
 */
export function rotation(degrees: number): { cos: number; sin: number } {
  const turn = ((degrees % 360) + 540) % 360;
  const angle = ((turn - 180) * 3.141592653589793) / 180;
  return { cos: series(angle, 1, 0), sin: series(angle, angle, 1) };
}

/** The Taylor series that begins with `first`; 12 terms are good to 1e-10 within a half turn. */
function series(angle: number, first: number, order: number): number {
  let sum = 0;
  let term = first;
  for (let n = 0; n < 12; n++) {
    sum += term;
    const power = order + 2 * n;
    term *= -(angle * angle) / ((power + 1) * (power + 2));
  }
  return sum;
}
