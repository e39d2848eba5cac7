/** Average precision in percent, as the authors publish it; null where they give none. */
export interface ZooFigures {
  /** COCO val2017, without having seen COCO. */
  cocoZeroShot: number;
  /** COCO val2017, fine-tuned. */
  cocoFineTuned: number;
  /** LVIS minival, APr (rare classes), zero-shot, with the last checkpoint of pre-training. */
  lvisMinivalRare: number | null;
  /** The same with the best checkpoint of pre-training: another file than the released one. */
  lvisMinivalRareBest: number;
  /** ODinW, average of 13 sets, zero-shot; some from the best checkpoint. */
  odinw13: number;
}

/** One weight file that the authors of GLIP published, or that their training starts from. */
export interface ZooEntry {
  name: string;
  title: string;
  /** `model`: a whole GLIP; `backbone`: an ImageNet Swin that pre-training starts from. */
  kind: "model" | "backbone";
  file: string;
  /** Null when it can be downloaded nowhere any more; `unavailable` says why. */
  url: string | null;
  unavailable?: string;
  /** In bytes; null when it is not published. */
  size: number | null;
  /** Hex; null when it is not published: then the first download is recorded. */
  sha256: string | null;
  /** The model's yaml in the official tree; for a backbone, one that starts from it. */
  config: string;
  /** Number of parameters as the official code builds it; null when nobody counted. */
  parameters: number | null;
  /** What it was pre-trained on. */
  data: string[];
  /** Null where no figures are published for exactly this file. */
  figures: ZooFigures | null;
  /** What the figures do not say. */
  note?: string;
}

/** Where the figures stand: the table "Model Zoo" in README.md of the official tree, at the pinned commit. */
export const FIGURES_SOURCE =
  "https://github.com/microsoft/GLIP/blob/9dda9558c1ef59bb6cdc8e896e2bcab775a68ff0/README.md#model-zoo";

const HOST = "https://huggingface.co/GLIPModel/GLIP/resolve/main/";
const BACKBONES = "https://github.com/SwinTransformer/storage/releases/download/v1.0.0/";
const EXPIRED = "its only published address, a storage account of the authors, answers no more (HTTP 409)";
const UNPUBLISHED = { size: null, sha256: null } as const;

const CONFIG_A = "configs/pretrain/glip_A_Swin_T_O365.yaml";
const CONFIG_B = "configs/pretrain/glip_Swin_T_O365.yaml";
const CONFIG_T = "configs/pretrain/glip_Swin_T_O365_GoldG.yaml";
const CONFIG_L = "configs/pretrain/glip_Swin_L.yaml";

export const zoo: readonly ZooEntry[] = [
  {
    name: "glip-t-a",
    title: "GLIP-T (A): no fusion",
    kind: "model",
    file: "glip_a_tiny_o365.pth",
    url: `${HOST}glip_a_tiny_o365.pth`,
    ...UNPUBLISHED,
    config: CONFIG_A,
    parameters: 151_400_000,
    data: ["O365"],
    figures: {
      cocoZeroShot: 42.9,
      cocoFineTuned: 52.9,
      lvisMinivalRare: null,
      lvisMinivalRareBest: 14.2,
      odinw13: 28.7,
    },
    note: "ODinW approximate",
  },
  {
    name: "glip-t-b",
    title: "GLIP-T (B): early fusion",
    kind: "model",
    file: "glip_tiny_model_o365.pth",
    url: `${HOST}glip_tiny_model_o365.pth`,
    ...UNPUBLISHED,
    config: CONFIG_B,
    parameters: 231_780_222,
    data: ["O365"],
    figures: {
      cocoZeroShot: 44.9,
      cocoFineTuned: 53.8,
      lvisMinivalRare: null,
      lvisMinivalRareBest: 13.5,
      odinw13: 33.2,
    },
    note: "ODinW approximate",
  },
  {
    name: "glip-t-c",
    title: "GLIP-T (C): and grounding data",
    kind: "model",
    file: "glip_tiny_model_o365_goldg.pth",
    url: `${HOST}glip_tiny_model_o365_goldg.pth`,
    ...UNPUBLISHED,
    config: CONFIG_T,
    parameters: 231_780_222,
    data: ["O365", "GoldG"],
    figures: {
      cocoZeroShot: 46.7,
      cocoFineTuned: 55.1,
      lvisMinivalRare: 14.3,
      lvisMinivalRareBest: 17.7,
      odinw13: 44.4,
    },
  },
  {
    name: "glip-t-c-lvisbest",
    title: "GLIP-T (C), best on LVIS",
    kind: "model",
    file: "glip_tiny_model_o365_goldg_lvisbest.pth",
    url: null,
    unavailable: EXPIRED,
    ...UNPUBLISHED,
    config: CONFIG_T,
    parameters: 231_780_222,
    data: ["O365", "GoldG"],
    figures: null,
    note: "LVIS minival APr 17.7",
  },
  {
    name: "glip-t",
    title: "GLIP-T",
    kind: "model",
    file: "glip_tiny_model_o365_goldg_cc_sbu.pth",
    url: `${HOST}glip_tiny_model_o365_goldg_cc_sbu.pth`,
    ...UNPUBLISHED,
    config: CONFIG_T,
    parameters: 231_780_222,
    data: ["O365", "GoldG", "CC3M", "SBU"],
    figures: {
      cocoZeroShot: 46.6,
      cocoFineTuned: 55.2,
      lvisMinivalRare: 17.6,
      lvisMinivalRareBest: 20.1,
      odinw13: 42.7,
    },
    note: "differs slightly from the GLIP-T of the paper's main text",
  },
  {
    name: "glip-t-lvisbest",
    title: "GLIP-T, best on LVIS",
    kind: "model",
    file: "glip_tiny_model_o365_goldg_cc_sbu_lvisbest.pth",
    url: `${HOST}glip_tiny_model_o365_goldg_cc_sbu_lvisbest.pth`,
    ...UNPUBLISHED,
    config: CONFIG_T,
    parameters: 231_780_222,
    data: ["O365", "GoldG", "CC3M", "SBU"],
    figures: null,
    note: "LVIS minival APr 20.1",
  },
  {
    name: "glip-l",
    title: "GLIP-L",
    kind: "model",
    file: "glip_large_model.pth",
    url: `${HOST}glip_large_model.pth`,
    ...UNPUBLISHED,
    config: CONFIG_L,
    parameters: 430_400_000,
    data: ["FourODs", "GoldG", "CC3M", "CC12M", "SBU"],
    figures: {
      cocoZeroShot: 51.4,
      cocoFineTuned: 61.7,
      lvisMinivalRare: 29.3,
      lvisMinivalRareBest: 30.1,
      odinw13: 51.2,
    },
    note: "fine-tuned figure with multi-scale testing",
  },
  {
    name: "glip-l-lvisbest",
    title: "GLIP-L, best on LVIS",
    kind: "model",
    file: "glip_large_model_lvisbest.pth",
    url: null,
    unavailable: EXPIRED,
    ...UNPUBLISHED,
    config: CONFIG_L,
    parameters: 430_400_000,
    data: ["FourODs", "GoldG", "CC3M", "CC12M", "SBU"],
    figures: null,
    note: "LVIS minival APr 30.1",
  },
  {
    name: "glip-t-a-knowledge",
    title: "GLIP-T (A) for knowledge-augmented inference",
    kind: "model",
    file: "glip_a_tiny_o365_knowledge.pth",
    url: null,
    unavailable: EXPIRED,
    ...UNPUBLISHED,
    config: CONFIG_A,
    parameters: 151_400_000,
    data: ["O365"],
    figures: null,
  },
  {
    name: "swin-t",
    title: "Swin-T, ImageNet-1k, 224 px",
    kind: "backbone",
    file: "swin_tiny_patch4_window7_224.pth",
    url: `${BACKBONES}swin_tiny_patch4_window7_224.pth`,
    ...UNPUBLISHED,
    config: CONFIG_T,
    parameters: null,
    data: ["ImageNet-1k"],
    figures: null,
    note: "from Swin's own release; the address in GLIP's README answers no more",
  },
  {
    name: "swin-l",
    title: "Swin-L, ImageNet-22k, 384 px",
    kind: "backbone",
    file: "swin_large_patch4_window12_384_22k.pth",
    url: `${BACKBONES}swin_large_patch4_window12_384_22k.pth`,
    ...UNPUBLISHED,
    config: CONFIG_L,
    parameters: null,
    data: ["ImageNet-22k"],
    figures: null,
    note: "from Swin's own release; the address in GLIP's README answers no more",
  },
];

/** The entry of that name; undefined when the zoo has none. */
export function zooEntry(name: string): ZooEntry | undefined {
  return zoo.find((entry) => entry.name === name);
}
