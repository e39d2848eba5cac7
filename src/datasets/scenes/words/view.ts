import { layOut, type Seen } from "../layout.ts";
import type { Scene, SceneObject } from "../scene.ts";
import { fullName, namesOf } from "./nouns.ts";

/** An object with what can be seen of it. */
export interface SeenObject {
  id: number;
  object: SceneObject;
  seen: Seen;
}

/** A noun phrase that means one object and no other: `red circle`, `small cat`. */
export interface UniqueName {
  object: SeenObject;
  name: string;
}

/** What is said of a scene is decided on this. */
export class View {
  readonly objects: readonly SeenObject[];

  constructor({ objects }: Pick<Scene, "objects">) {
    const seen = layOut(objects);
    this.objects = objects.map((object, index) => ({ id: object.id, object, seen: seen[index] as Seen }));
  }

  /** The objects that a name fits: `cat`, `red circle`, `small red circle`. */
  named(name: string): SeenObject[] {
    return this.objects.filter(({ object }) => allNames(object).includes(name));
  }

  /** The names that fit this object and no other, those of fewer words first. */
  uniqueNames(object: SeenObject): string[] {
    return allNames(object.object).filter((name) => this.named(name).length === 1);
  }

  /** The objects that have a name of their own, with the one that says most but the size, if that is unique. */
  unique(): UniqueName[] {
    return this.objects.flatMap((object) => {
      const names = this.uniqueNames(object);
      const full = fullName(object.object);
      const name = names.includes(full) ? full : names.at(-1);
      return name === undefined ? [] : [{ object, name }];
    });
  }

  /** Objects that are called alike when nothing but the size is left out, in the order of their first. */
  groups(): { name: string; members: SeenObject[] }[] {
    const names = [...new Set(this.objects.map(({ object }) => fullName(object)))];
    return names.map((name) => ({ name, members: this.named(name) }));
  }
}

/** Every name that fits an object; the sizes are `small` and `large`, and what is between has none. */
function allNames(object: SceneObject): string[] {
  const names = namesOf(object);
  return object.size === "medium" ? names : [...names, ...names.map((name) => `${object.size} ${name}`)];
}
