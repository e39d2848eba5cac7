import { expect, test } from "vitest";

import { readOfficialManifest } from "../../../src/environment/official/manifest.ts";
import { FIGURES_SOURCE, zoo } from "../../../src/environment/weights/zoo.ts";

test("every model of the official table has its file, its figures and a config that the official tree has", () => {
  expect(zoo.map(({ name, file }) => [name, file])).toEqual([
    ["glip-t-a", "glip_a_tiny_o365.pth"],
    ["glip-t-b", "glip_tiny_model_o365.pth"],
    ["glip-t-c", "glip_tiny_model_o365_goldg.pth"],
    ["glip-t-c-lvisbest", "glip_tiny_model_o365_goldg_lvisbest.pth"],
    ["glip-t", "glip_tiny_model_o365_goldg_cc_sbu.pth"],
    ["glip-t-lvisbest", "glip_tiny_model_o365_goldg_cc_sbu_lvisbest.pth"],
    ["glip-l", "glip_large_model.pth"],
    ["glip-l-lvisbest", "glip_large_model_lvisbest.pth"],
    ["glip-t-a-knowledge", "glip_a_tiny_o365_knowledge.pth"],
    ["swin-t", "swin_tiny_patch4_window7_224.pth"],
    ["swin-l", "swin_large_patch4_window12_384_22k.pth"],
  ]);
  const { files, commit } = readOfficialManifest();
  expect(zoo.map(({ config }) => config).filter((config) => !(config in files))).toEqual([]);
  expect(FIGURES_SOURCE).toContain(commit);
});

test("an entry has an address that ends with its file, or a reason why it has none", () => {
  for (const { name, file, url, unavailable } of zoo) {
    expect(url === null ? unavailable : url.split("/").at(-1), name).toBe(url === null ? unavailable : file);
    expect((url === null) === (unavailable !== undefined), name).toBe(true);
  }
  expect(new Set(zoo.flatMap(({ url }) => (url === null ? [] : [new URL(url).host])))).toEqual(
    new Set(["huggingface.co", "github.com"]),
  );
});
