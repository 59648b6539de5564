// The real binary: run a command, serve a data directory, stop it. Bounded in time; nothing survives the process that started it.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
export const binary = process.env.HOLT_BIN ?? join(root, "target/debug/holt");
export const corpus = join(root, "../shared/corpus");

const START_MS = 30_000;
const COMMAND_MS = 240_000;
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** A directory of its own, removed by the returned function. */
export function temporary() {
  const dir = mkdtempSync(join(tmpdir(), "holt-e2e-"));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Runs `holt ARGS` to its end and returns what it prints; throws with its words if it fails. */
export function holt(args, { input, program = binary } = {}) {
  const result = spawnSync(program, args, { input, encoding: "utf8", timeout: COMMAND_MS, env: environment() });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`holt ${args.join(" ")} ended with ${result.status ?? result.signal}:\n${result.stderr}${result.stdout}`);
  return result.stdout;
}

/**
 * Serves `data` on a free port. `setup` is the one-time administrator link, if one was printed.
 * `stop()` ends the server politely, then surely, and throws if it had died before.
 */
export async function serve(data, args = [], program = binary) {
  if (!existsSync(program)) throw new Error(`no binary at ${program}: run make e2e`);
  const child = spawn(program, ["serve", "--data", data, "--listen", "127.0.0.1:0", ...args], { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
  ended.then(() => running.delete(child));
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output.text += text));

  const port = await waitFor(() => {
    if (child.exitCode !== null) throw new Error(`holt serve ended with ${child.exitCode}:\n${output.text}`);
    return /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output.text)?.[1];
  }, START_MS, () => `no "listening on" line:\n${output.text}`);

  const url = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(`${url}/-/healthz`).catch(() => null))?.ok, START_MS, () => `no healthy answer from ${url}:\n${output.text}`);
  return {
    url,
    output,
    get setup() {
      return /https?:\/\/\S+\/-\/setup\?token=[\w.~%-]+/.exec(output.text)?.[0].replace(/^https?:\/\/[^/]+/, url);
    },
    async stop() {
      const before = child.exitCode ?? child.signalCode;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      const status = await ended;
      clearTimeout(timer);
      if (before !== null) throw new Error(`the server had died (${before}):\n${output.text}`);
      if (status === "SIGKILL") throw new Error(`the server did not stop within 5 s of SIGTERM:\n${output.text}`);
    },
  };
}

function environment() {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HOLT_"));
  return { ...Object.fromEntries(inherited), HOLT_RATE_LIMIT: "off", NO_COLOR: "1" };
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts a program and waits for `ready`: what it prints, or a port it answers on. `said` is the first group of that text. `stop()` ends it. */
export async function start(program, args, ready) {
  const child = spawn(program, args, { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const ended = new Promise((resolve) => child.once("close", resolve));
  ended.then(() => running.delete(child));
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output.text += text));
  const said = await waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}:\n${output.text}`);
    if (ready instanceof RegExp) return ready.exec(output.text);
    return (await fetch(`http://127.0.0.1:${ready}/`).catch(() => null)) && [];
  }, START_MS, () => `${program} was not ready (${ready}):\n${output.text}`);
  return {
    said: said[1],
    output,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The first truthy answer of `question`, asked again and again until `limit` ms have passed. */
export async function waitFor(question, limit, otherwise) {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
