/** The 85 digits of Z85 (RFC 32), least first. */
const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Text of five characters for every four bytes. The length must be a multiple of four. */
export function encodeZ85(bytes: Uint8Array): string {
  if (bytes.length % 4 !== 0) throw new RangeError(`Z85 encodes multiples of 4 bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let offset = 0; offset < bytes.length; offset += 4) {
    const value = view.getUint32(offset);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += digits[Math.floor(value / power) % 85];
  }
  return text;
}

/** The bytes of a Z85 text, or undefined when it is not one. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (typeof text !== "string" || text.length % 5 !== 0) return undefined;
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0;
    for (const character of text.slice(group * 5, group * 5 + 5)) {
      const digit = digits.indexOf(character);
      if (digit < 0) return undefined;
      value = value * 85 + digit;
    }
    // Five digits can say more than four bytes hold.
    if (value > 0xffffffff) return undefined;
    view.setUint32(group * 4, value);
  }
  return bytes;
}
