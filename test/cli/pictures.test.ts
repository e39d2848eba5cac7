import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { namedPictures } from "../../src/cli/pictures.ts";
import { temporaryFolder } from "../support/folders.ts";

it("takes paths and URLs", async () => {
  const [path, url, colon] = namedPictures(["a.jpg", "https://example.org/b.png?size=1", "c:d.png"], undefined);
  expect(await path?.image()).toBe("a.jpg");
  expect(await url?.image()).toEqual(new URL("https://example.org/b.png?size=1"));
  expect(await colon?.image()).toBe("c:d.png");
  expect(path?.save).toBeUndefined();
});

it("draws the one picture into the file, several into a folder, each under a name of its own", () => {
  const folder = temporaryFolder();
  expect(namedPictures(["a.jpg"], "out.png").map(({ save }) => save)).toEqual(["out.png"]);
  const names = ["a.jpg", "b/a.png", "https://example.org/c.png?size=1", "-", "/"];
  expect(namedPictures(names, folder).map(({ save }) => save)).toEqual(
    ["a.boxes.png", "a.2.boxes.png", "c.boxes.png", "stdin.boxes.png", "picture.boxes.png"].map((name) =>
      join(folder, name),
    ),
  );
});

it("refuses several pictures in one file, and stdin twice", () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  for (const save of ["out.png", file]) {
    expect(() => namedPictures(["a.jpg", "b.jpg"], save)).toThrow(
      `--save: expected a folder that is there, for 2 pictures, got ${JSON.stringify(save)}`,
    );
  }
  expect(() => namedPictures(["-", "-"], undefined)).toThrow("stdin (-) at most once");
});
