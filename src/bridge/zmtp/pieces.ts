import { Buffer } from "node:buffer";
import { frameFlag, headerBytes, writeHeader } from "./frames.ts";
import type { Mechanism } from "./mechanism.ts";

/** Frames up to this size are copied behind each other into one piece; a copy then costs less than another write. */
const coalesceBytes = 8192;

/** Larger ones are sent without a copy, in pieces, so that progress can be seen while the peer takes them. */
const pieceBytes = 2 ** 20;

/** What to write for one message, in order. `flags` are those of every frame; `more` is added here. */
export function piecesOf(frames: readonly Uint8Array[], flags: number, seal: Mechanism["seal"]): Uint8Array[] {
  return seal === undefined ? plainPieces(frames, flags) : sealedPieces(frames, flags, seal);
}

function plainPieces(frames: readonly Uint8Array[], flags: number): Uint8Array[] {
  let copiedBytes = 0;
  for (const frame of frames)
    copiedBytes += headerBytes(frame.length) + (frame.length <= coalesceBytes ? frame.length : 0);
  const copied = Buffer.allocUnsafe(copiedBytes);
  const pieces: Uint8Array[] = [];
  let start = 0;
  let end = 0;
  for (let index = 0; index < frames.length; index++) {
    const frame = frames[index];
    if (frame === undefined) continue;
    end = writeHeader(copied, end, index < frames.length - 1 ? flags | frameFlag.more : flags, frame.length);
    if (frame.length <= coalesceBytes) {
      copied.set(frame, end);
      end += frame.length;
    } else {
      pieces.push(copied.subarray(start, end));
      cut(frame, pieces);
      start = end;
    }
  }
  if (start === 0) pieces.push(copied);
  else if (start < end) pieces.push(copied.subarray(start, end));
  return pieces;
}

function sealedPieces(
  frames: readonly Uint8Array[],
  flags: number,
  seal: NonNullable<Mechanism["seal"]>,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  frames.forEach((frame, index) =>
    cut(seal(index < frames.length - 1 ? flags | frameFlag.more : flags, frame), pieces),
  );
  return pieces;
}

function cut(bytes: Uint8Array, pieces: Uint8Array[]): void {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes)
    pieces.push(bytes.subarray(offset, offset + pieceBytes));
}
