import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";

/**
 * Which folder of src/ may import which: arrows go cli -> glip -> tasks, training -> worker -> bridge -> protocol, and
 * what stands beside that line knows none of it. `glip` is what lies directly in src/: the handle and how to get one.
 */
export const arrows = {
  protocol: [],
  bridge: ["protocol"],
  environment: ["protocol"],
  images: ["protocol"],
  datasets: ["protocol", "environment", "images"],
  worker: ["bridge", "protocol", "environment"],
  tasks: ["worker", "bridge", "protocol", "images"],
  training: ["worker", "bridge", "protocol", "environment", "images", "datasets"],
  evaluation: ["training", "bridge", "protocol", "environment", "images", "datasets"],
  glip: ["tasks", "training", "evaluation", "worker", "bridge", "protocol", "environment", "images", "datasets"],
  cli: ["glip", "tasks", "training", "evaluation", "worker", "bridge", "protocol", "environment", "images", "datasets"],
  index: [
    "glip",
    "tasks",
    "training",
    "evaluation",
    "worker",
    "bridge",
    "protocol",
    "environment",
    "images",
    "datasets",
  ],
};

/** Files directly in src/ that all may import, and that import none of the folders. */
export const common = ["errors", "logger", "version"];

/** Packages with a folder of their own; every other dependency may be imported anywhere. */
export const packageFolders = {
  zeromq: ["bridge"],
  msgpackr: ["bridge"],
  "@noble/ciphers": ["bridge"],
  "@noble/curves": ["bridge"],
  execa: ["worker", "environment"],
  pythonia: ["environment"],
  commander: ["cli"],
  sharp: ["images"],
};

/** The same for Python: modules below `folder` import none of `forbidden`, except those below `except`. */
export const pythonArrows = [
  { folder: "glipv2", forbidden: ["glip_worker"] },
  { folder: "glip_worker", forbidden: ["maskrcnn_benchmark"], except: "glip_worker/engines/official" },
];

/**
 * Reads the import statements of src/ and python/ below `root`.
 *
 * @param {string} root
 * @returns {string[]} one line per violation, `file:line: what is wrong`
 */
export function findBorderViolations(root) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const typescript = filesBelow(join(root, "src"), ".ts").flatMap((file) =>
    statements(readFileSync(join(root, "src", file), "utf8")).flatMap(({ line, specifier, everything }) => {
      const problems = [importProblem(file, specifier, Object.keys(dependencies))];
      if (everything) problems.push("`export *` hides what is exported; name it");
      return problems.filter((text) => text !== undefined).map((text) => `src/${file}:${line}: ${text}`);
    }),
  );
  return [...typescript, ...pythonArrows.flatMap((arrow) => pythonViolations(root, arrow))];
}

/** What is wrong with `file` (relative to src/) importing `specifier`; undefined when nothing is. */
function importProblem(file, specifier, dependencies) {
  const from = areaOf(file);
  if (!(from in arrows) && !common.includes(from)) {
    return `src/${from} has no place among the arrows; give it one in scripts/lib/borders.mjs`;
  }
  if (specifier.startsWith("node:")) return undefined;
  if (!specifier.startsWith(".")) {
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    if (!dependencies.includes(name)) return `${name} is not among the dependencies of package.json`;
    const folders = packageFolders[name];
    if (folders === undefined || folders.includes(from)) return undefined;
    return `only src/${folders.join(" and src/")} may import ${name}`;
  }
  const target = posix.normalize(posix.join(posix.dirname(file), specifier));
  if (target.startsWith("..")) return `${specifier} leads out of src`;
  const to = areaOf(target);
  if (to === from || common.includes(to)) return undefined;
  const allowed = arrows[from] ?? [];
  if (allowed.includes(to)) return undefined;
  return `src/${from} may not import src/${to} (it may import: ${[...allowed, ...common].join(", ")})`;
}

/** The folder of src/ that a file is in. Those directly in src/ are the layer `glip`, unless they have a part of their own. */
function areaOf(file) {
  if (file.includes("/")) return file.split("/")[0];
  const name = file.replace(/\.(ts|js)$/, "");
  return name === "index" || common.includes(name) ? name : "glip";
}

/** The static and dynamic imports and re-exports of a TypeScript file. */
function statements(text) {
  const patterns = [
    /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*["']([^"']+)["']/gm,
    /^(?![ \t]*(?:\/?\*|\/\/)).*?(?<![.\w])(?:import|require)\(\s*["'`]([^"'`]+)["'`]/gm,
  ];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => ({
      line: text.slice(0, match.index).split("\n").length,
      specifier: match[1],
      everything: /^export\s+(?:type\s+)?\*/.test(match[0]),
    })),
  );
}

function pythonViolations(root, { folder, forbidden, except }) {
  const pattern = new RegExp(`^[ \\t]*(?:from|import)[ \\t]+(${forbidden.join("|")})\\b`, "gm");
  return filesBelow(join(root, "python", folder), ".py")
    .map((file) => `${folder}/${file}`)
    .filter((file) => except === undefined || !file.startsWith(`${except}/`))
    .flatMap((file) => {
      const text = readFileSync(join(root, "python", file), "utf8");
      return [...text.matchAll(pattern)].map((match) => {
        const line = text.slice(0, match.index).split("\n").length;
        return `python/${file}:${line}: may not import ${match[1]}${except === undefined ? "" : `; only ${except} may`}`;
      });
    });
}

function filesBelow(folder, extension) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map((file) => file.split(sep).join("/"))
    .filter((file) => file.endsWith(extension))
    .sort();
}
