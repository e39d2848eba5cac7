/** A category: what it is called, and the icon's name in the icon sets where that differs. */
export interface IconCategory {
  name: string;
  icon: string;
  plural: string;
}

const icon = (name: string, icon = name, plural = `${name}s`): IconCategory => ({ name, icon, plural });

/** What training may show. Never reorder: a category's id is its place. */
export const seenIcons: readonly IconCategory[] = [
  ...["cat", "dog", "horse", "cow", "pig", "rabbit", "duck", "owl", "penguin", "elephant", "giraffe"].map((n) =>
    icon(n),
  ),
  ...["snake", "turtle", "whale", "octopus", "butterfly", "snail", "crab", "lion", "panda", "frog"].map((name) =>
    icon(name, name, { octopus: "octopuses", butterfly: "butterflies" }[name]),
  ),
  icon("fish", "fish", "fish"),
  icon("apple", "red-apple"),
  icon("banana"),
  icon("strawberry", "strawberry", "strawberries"),
  ...["lemon", "pineapple", "watermelon", "carrot", "mushroom", "pizza", "hamburger"].map((name) => icon(name)),
  icon("donut", "doughnut"),
  icon("cake", "birthday-cake"),
  icon("egg"),
  icon("car", "automobile"),
  icon("bus", "bus", "buses"),
  icon("truck", "delivery-truck"),
  ...["tractor", "bicycle", "airplane", "rocket", "sailboat", "umbrella", "key"].map((name) => icon(name)),
  icon("clock", "alarm-clock"),
  ...["camera", "guitar", "drum", "bell"].map((name) => icon(name)),
  icon("book", "closed-book"),
  ...["chair", "bed", "candle", "hammer", "balloon", "kite", "crown"].map((name) => icon(name)),
  icon("hat", "top-hat"),
  icon("shirt", "t-shirt"),
  icon("dress", "dress", "dresses"),
  icon("backpack"),
  icon("television"),
  icon("trophy", "trophy", "trophies"),
  icon("robot"),
  icon("tree", "deciduous-tree"),
  icon("cactus", "cactus", "cactuses"),
  ...["rose", "cloud", "sun", "snowflake", "house"].map((name) => icon(name)),
];

/** What training never shows and never names. */
export const heldOutIcons: readonly IconCategory[] = [
  ...["zebra", "flamingo", "dolphin", "lobster"].map((name) => icon(name)),
  icon("bee", "honeybee"),
  icon("squirrel", "chipmunk"),
  ...["pear", "avocado", "helicopter", "motorcycle", "violin"].map((name) => icon(name)),
  icon("wrench", "wrench", "wrenches"),
  icon("teapot"),
  icon("palm tree", "palm-tree"),
  icon("tent"),
  icon("ghost"),
];

/** Icon sets that pictures are drawn from; the last is never in training. */
export const iconStyles = ["fluent", "noto", "twemoji"] as const;
export type IconStyle = (typeof iconStyles)[number];
export const heldOutStyle: IconStyle = "twemoji";
