import { existsSync } from "node:fs";
import { join } from "node:path";

/** A file of annotations in COCO's form, and the folder of its pictures. */
export interface OdinwFiles {
  annotations: string;
  images: string;
}

/** What the splits are called: in the names of files, and as folders. */
const folders = { train: "train", val: "valid", minival: "mini_val", test: "test" } as const;

const FILE = "annotations_without_background.json";

/** A set of ODinW by its folder: splits are folders in it, or, of some sets, files beside all pictures. */
export class OdinwFolder {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** All of a split; undefined where it is not there. */
  split(split: keyof typeof folders): OdinwFiles | undefined {
    return this.#first([
      { annotations: join(folders[split], FILE), images: folders[split] },
      { annotations: `${split}_${FILE}`, images: "" },
    ]);
  }

  /** The pictures that were drawn of a split for everybody; undefined where they are not there. */
  drawn(split: "train" | "val", shots: number, seed: number): OdinwFiles | undefined {
    const file = `fewshot_${split}_shot${shots}_seed${seed}.json`;
    return this.#first([
      { annotations: join(folders[split], file), images: folders[split] },
      { annotations: file, images: "" },
    ]);
  }

  #first(places: readonly OdinwFiles[]): OdinwFiles | undefined {
    const found = places.find(({ annotations }) => existsSync(join(this.folder, annotations)));
    return found && { annotations: join(this.folder, found.annotations), images: join(this.folder, found.images) };
  }
}
