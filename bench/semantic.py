#!/usr/bin/env python3
"""Search by meaning: what looking at pages costs whoever reads meanwhile, what a question takes, what stays in memory.

Looks at 1,000 pages while they are read, then asks a wiki of 10,000 that has the same texts ten times over, and copies of their vectors (looking at all of
them would take most of an hour, and a question reads copies as it reads others). Prints a table. Standard library; loopback only.

    python3 bench/semantic.py --bin target/release/holt --model target/sentence-model
"""

import argparse
import glob
import json
import os
import random
import shutil
import sqlite3
import tempfile
import time
from urllib.parse import quote

import corpus
import machine
from machine import median, percentile

QUESTIONS = ["how do I restore a backup", "who may change this page", "what happens after a power failure", "water under the bridge", "a list of words",
             "where is the table with numbers", "several people write at once", "send mail to everybody", "a picture of the harbour", "next year's plans"]
# Requests of one round of reading.
ROUND = 4_000


class Server:
    def __init__(self, options, work):
        self.options, self.data, self.log = options, os.path.join(work, "data"), os.path.join(work, "log")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HOLT_")} | {"HOLT_DATA": self.data, "HOLT_RATE_LIMIT": "off"}
        self.port = machine.free_port()
        self.process, self.tokens = None, {}

    def run(self, *args):
        return machine.run([self.options.bin, *args], env=self.env, timeout=1800)

    def wiki(self, slug, texts, work):
        """Imports pages; a token to ask about them."""
        folder = os.path.join(work, slug)
        names = []
        for name, text in texts.items():
            path = os.path.join(folder, name + ".md")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
            names.append(name)
        self.run("import", "folder", folder, "--slug", slug)
        self.tokens[slug] = json.loads(self.run("token", "create", "--wiki", slug, "--scope", "read", "--json"))["token"]
        return names

    def start(self, *flags):
        command = [self.options.bin, "serve", "--listen", f"127.0.0.1:{self.port}", "--domain", "localhost", "--log", "error", *flags]
        self.process = machine.start(command, self.log, self.env)
        machine.first_answer(self.port, "/-/healthz", self.process, host=f"thousand.localhost:{self.port}")

    def stop(self):
        machine.stop(self.process)

    def client(self, slug):
        return machine.Client(self.port, f"{slug}.localhost:{self.port}")

    def ask(self, client, slug, address):
        response, body = client.request("GET", "/api/v1" + address, headers={"Authorization": f"Bearer {self.tokens[slug]}"})
        if response.status != 200:
            raise RuntimeError(f"{address} answered {response.status}: {body[:300]!r}")
        return json.loads(body)


def read(client, names, rng):
    """Milliseconds of each request of a round."""
    times = []
    for _ in range(ROUND):
        address = "/" + quote(rng.choice(names))
        t = time.perf_counter()
        client.request("GET", address)
        times.append((time.perf_counter() - t) * 1000)
        # As people do: not all of a core.
        time.sleep(0.001)
    return times


def copy_vectors(data):
    """Gives the pages of the larger wiki vectors of the smaller one, as if they had been looked at."""
    files = sorted(glob.glob(os.path.join(data, "wikis", "*", "index.db")), key=os.path.getsize)
    counts = {}
    for file in files:
        with sqlite3.connect(file) as db:
            counts[file] = db.execute("SELECT count(*) FROM pages").fetchone()[0]
    small, large = sorted(counts, key=counts.get)[-2:]
    with sqlite3.connect(small) as db:
        made = {path: rest for path, _, *rest in db.execute("SELECT path, meanings.* FROM meanings JOIN pages ON id = page")}
        model = db.execute("SELECT identity FROM meaning_model").fetchone()[0]
    with sqlite3.connect(large) as db:
        pages = {page: made[path.split("/", 1)[1]] for page, path in db.execute("SELECT id, path FROM pages")}
        db.executemany(f"INSERT INTO meanings VALUES (?{', ?' * len(next(iter(made.values())))})", [(page, *vectors) for page, vectors in pages.items()])
        db.execute("INSERT INTO meaning_model VALUES (1, ?)", (model,))
        db.execute("INSERT INTO cursors SELECT 'embed', revision FROM cursors WHERE step = 'index'")
    return len(pages), sum(pieces for pieces, *_ in pages.values()), os.path.getsize(large)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=10_000)
    options = parser.parse_args()
    options.bin, options.model = os.path.abspath(options.bin), os.path.abspath(options.model)
    if not os.path.exists(os.path.join(options.model, "model.safetensors")):
        parser.error(f"there is no model in {options.model}: scripts/test-tools.sh and `holt model fetch` bring one")
    rows, rng, work = [], random.Random(5), tempfile.mkdtemp(prefix="holt-semantic-")

    def row(what, value, goal=""):
        print(f"| {what} | {value} | {goal} |", flush=True)
        rows.append(what)

    try:
        server = Server(options, work)
        print(f"{machine.describe()}\n\n| what | measured | goal |\n|---|---|---|", flush=True)
        texts = corpus.pages(options.pages, 7)
        names = server.wiki("thousand", texts, work)
        server.start("--model", options.model, "--model-idle", "5")
        client, began, before, during, cpu = server.client("thousand"), time.perf_counter(), [], [], machine.cpu_seconds(server.process.pid)
        seen, paused = 0, 0
        while True:
            state = server.ask(client, "thousand", "/index-status")["semantic"]
            if state["pending"] == 0:
                break
            # Four times, well into it: with the worker at rest and at work, beside each other, as the machine is another one a minute later.
            if state["pages"] > options.pages * (1 + len(during) // ROUND) // 8 and len(during) < 4 * ROUND:
                t = time.perf_counter()
                server.run("workers", "pause", "embed")
                time.sleep(1)
                read(client, names, rng)
                before += read(client, names, rng)
                server.run("workers", "resume", "embed")
                paused += time.perf_counter() - t
                time.sleep(1)
                during += read(client, names, rng)
                seen = max(seen, machine.rss_mib(server.process.pid))
            time.sleep(1)
        seconds = time.perf_counter() - began - paused
        cpu = machine.cpu_seconds(server.process.pid) - cpu
        row(f"looking at {state['pages']:,} pages, {state['document_count']:,} pieces", f"{state['pages'] / seconds:.1f} pages/s, {seconds:.0f} s ({cpu:.0f} s of processor, reads included)")
        slower = percentile(during, 99) / percentile(before, 99) - 1
        row("reading a page, p99, at rest → meanwhile", f"{percentile(before, 99):.2f} → {percentile(during, 99):.2f} ms ({slower:+.0%})", "≤ +20 %")
        row("reading a page, p50", f"{median(before):.2f} → {median(during):.2f} ms")
        time.sleep(9)
        for _ in range(200):
            client.request("GET", "/" + quote(rng.choice(names)))
        row("memory with the model, and after it was dropped", f"{seen:.0f} → {machine.rss_mib(server.process.pid):.0f} MiB")
        server.stop()

        copies = max(1, options.large // len(texts))
        server.wiki("large", {f"copy {n}/{name}": text for n in range(copies) for name, text in texts.items()}, work)
        pages, pieces, size = copy_vectors(server.data)
        server.start("--model", options.model)
        client = server.client("large")
        row("memory before anybody asks", f"{machine.rss_mib(server.process.pid):.0f} MiB")
        t = time.perf_counter()
        server.ask(client, "large", "/semantic-search?q=first")
        row("the first question: the model is read", f"{(time.perf_counter() - t) * 1000:.0f} ms")
        for path, goal in (("/semantic-search?n=10&q=", "≤ 50 ms"), ("/search?q=", ""), ("/search?mode=words&q=", "")):
            times = []
            for n in range(60):
                t = time.perf_counter()
                server.ask(client, "large", path + quote(f"{QUESTIONS[n % len(QUESTIONS)]} {n}"))
                times.append((time.perf_counter() - t) * 1000)
            row(f"`GET {path}`, warm, {pages:,} pages, {pieces:,} pieces", f"p50 {median(times):.0f}, p95 {percentile(times, 95):.0f} ms", goal)
        row("memory after that; index.db", f"{machine.rss_mib(server.process.pid):.0f} MiB; {size / 2**20:.0f} MiB")
        server.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
