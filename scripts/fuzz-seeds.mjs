// The seeds of the fuzzers, made anew from what people wrote: the examples of the guide, and the hostile corpus of the browser test.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { corpus } from "../e2e/hostile/corpus.mjs";

const root = join(import.meta.dirname, "..");
const seeds = join(root, "fuzz/seeds");
const guide = readFileSync(join(root, "docs/markdown.md"), "utf8");
const examples = [...guide.matchAll(/^(`{3,})markdown\n([\s\S]*?)^\1$/gm)].map(([, , text]) => text);
rmSync(seeds, { recursive: true, force: true });
mkdirSync(seeds, { recursive: true });
[...examples, ...corpus.map((payload) => payload.markdown)].forEach((text, n) => writeFileSync(join(seeds, String(n).padStart(4, "0")), text));
console.log(`${examples.length} examples and ${corpus.length} hostile texts are seeds`);
