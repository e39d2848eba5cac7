import { GlipError, isGlipError } from "../../../errors.ts";
import { loadSharp as load, type SharpModule } from "../../../images/picture.ts";

export type { SharpModule };

/**
 * Loads sharp when the first scene is drawn.
 * @throws GlipError `unsupported` when it has no build for this platform
 */
export async function loadSharp(): Promise<SharpModule> {
  try {
    return await load();
  } catch (cause) {
    const reason = isGlipError(cause, "unsupported") ? cause.details.reason : String(cause);
    const text = `Drawing scenes needs the package "sharp", which cannot be loaded here: ${reason.split("\n")[0]}`;
    throw new GlipError("unsupported", text, { feature: "scenes", reason }, { cause });
  }
}
