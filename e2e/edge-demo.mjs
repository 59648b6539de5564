// `make edge-demo`: what is between a writer and a reader, started on this machine and put to the test, with the times it takes.

import { acts, missing, stage } from "./stage.mjs";

const say = (text) => process.stdout.write(`${text}\n`);

if (missing) {
  process.stderr.write(`edge-demo: missing here: ${missing}. scripts/test-tools.sh installs it.\n`);
  process.exit(1);
}
const it = await stage();
let failed = 0;
try {
  say("                             ┌── holt-edge ──┐");
  say("  readers ──► Varnish ───────┤               ├──► S3 ◄── publishes ── holt serve ◄── writers");
  say("                 ▲           └── holt-edge ──┘                             │");
  say("                 └───────────────────────── purges ──────────────────────┘");
  say(`  ports: Varnish ${it.ports.cache}, edges ${it.ports.one} and ${it.ports.two}, S3 ${it.ports.store}, server ${it.ports.server}\n`);
  for (const { name, play, limit } of acts) {
    try {
      const said = await play(it);
      const late = limit !== undefined && said > limit;
      failed += Number(late);
      say(`${late ? "LATE" : "ok  "} ${name}${typeof said === "number" ? `: ${said} ms after the save (goal: ${limit})` : said ? `: ${said}` : ""}`);
    } catch (error) {
      failed += 1;
      say(`FAIL ${name}\n     ${String(error.message).split("\n").slice(0, 6).join("\n     ")}`);
    }
  }
} finally {
  await it.stop();
}
say(failed === 0 ? "\nAll of it holds." : `\n${failed} of ${acts.length} do not hold.`);
process.exit(failed === 0 ? 0 : 1);
