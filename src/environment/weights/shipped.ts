import { join } from "node:path";
import { packageRoot } from "../home.ts";

/** A model whose weights come with this package; the native engine runs it. */
export interface ShippedModel {
  name: string;
  /** Absolute; its card lies beside it. */
  path: string;
}

/** What `launch()` loads when it is told nothing. */
export const DEFAULT_MODEL = "glip-nano";

export const shipped: readonly ShippedModel[] = [
  { name: DEFAULT_MODEL, path: join(packageRoot, "models", DEFAULT_MODEL, "model.safetensors") },
];

export function shippedModel(name: string): ShippedModel | undefined {
  return shipped.find((model) => model.name === name);
}
