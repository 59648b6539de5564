// Builds the editor into one classic script. With --check it builds beside and compares with what is committed.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LARGEST_GZIP = 250 * 1024;
const here = import.meta.dirname;
const committed = join(here, "../crates/fragments/assets/editor.js");

/** CodeMirror, Lezer and the small packages they stand on share one licence, which wants to travel with them. */
function licence() {
  const text = readFileSync(join(here, "node_modules/@codemirror/state/LICENSE"), "utf8").trim();
  return `/*! Built from web/ with npm run build: change it there.\nHolds CodeMirror 6 and Lezer (codemirror.net, lezer.codemirror.net):\n\n${text}\n*/`;
}

async function bundle(outfile) {
  await build({
    entryPoints: [join(here, "src/main.js")],
    outfile,
    bundle: true,
    format: "iife",
    target: "es2022",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    banner: { js: licence() },
    logLevel: "warning",
  });
  const bytes = readFileSync(outfile);
  const packed = gzipSync(bytes, { level: 9 }).length;
  console.log(`editor.js: ${bytes.length} bytes, ${packed} with gzip`);
  if (packed > LARGEST_GZIP) throw new Error(`the editor may have ${LARGEST_GZIP} bytes with gzip`);
  return bytes;
}

if (process.argv.includes("--check")) {
  const dir = mkdtempSync(join(tmpdir(), "holt-web-"));
  try {
    const built = await bundle(join(dir, "editor.js"));
    if (!built.equals(readFileSync(committed))) {
      console.error("crates/fragments/assets/editor.js is not what web/src builds: npm run build");
      process.exitCode = 1;
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
} else {
  await bundle(committed);
}
