import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LaunchOptions } from "../../src/options.ts";
import { officialCheckout } from "./checkout.ts";
import { testPython } from "./python.ts";

/** Width of the small text encoder. */
const TEXT = 48;
const CHANNELS = 64;
const SPECIAL: Record<number, string> = { 0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]" };
const WORDS = ["a", "and", "the", "of", "dog", "cat", "cup", "man", "red", "person", "holds", ".", ",", "##s"];

/** A model of the official shape, small enough for a test; `python/tests/official/small.py` has the same. */
const settings = {
  "MODEL.SWINT.EMBED_DIM": 32,
  "MODEL.SWINT.DEPTHS": [1, 1, 2, 1],
  "MODEL.SWINT.NUM_HEADS": [2, 2, 4, 4],
  "MODEL.SWINT.OUT_CHANNELS": [32, 64, 128, 256],
  "MODEL.BACKBONE.OUT_CHANNELS": CHANNELS,
  "MODEL.LANGUAGE_BACKBONE.LANG_DIM": TEXT,
  "MODEL.DYHEAD.CHANNELS": CHANNELS,
  "MODEL.DYHEAD.NUM_CONVS": 2,
  "MODEL.DYHEAD.USE_CHECKPOINT": false,
  "MODEL.DYHEAD.FUSE_CONFIG.JOINT_EMB_SIZE": CHANNELS,
  "MODEL.GROUP_NORM.NUM_GROUPS": 16,
  // Random weights score next to nothing.
  "MODEL.ATSS.INFERENCE_TH": 0.0,
  "INPUT.MIN_SIZE_TEST": 128,
  "INPUT.MAX_SIZE_TEST": 192,
};

/** What launch() needs for the small model with random weights; `folder` takes its vocabulary. */
export async function smallModel(folder: string) {
  const textEncoder = join(folder, "bert");
  mkdirSync(textEncoder);
  const write = (name: string, content: string): void => writeFileSync(join(textEncoder, name), content);
  const words = [...Array.from({ length: 104 }, (_, index) => SPECIAL[index] ?? `[unused${index}]`), ...WORDS];
  write("vocab.txt", `${words.join("\n")}\n`);
  write("tokenizer_config.json", JSON.stringify({ tokenizer_class: "BertTokenizer", do_lower_case: true }));
  const sizes = { num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 96, hidden_size: TEXT };
  write("config.json", JSON.stringify({ model_type: "bert", vocab_size: words.length, ...sizes }));
  return {
    engine: "official",
    official: officialCheckout(),
    config: "configs/pretrain/glip_Swin_T_O365_GoldG.yaml",
    weights: "random",
    settings,
    textEncoder,
    interpreter: await testPython(),
    home: join(folder, "home"),
    device: "cpu",
    threads: 1,
  } satisfies LaunchOptions;
}
