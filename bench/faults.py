#!/usr/bin/env python3
"""What a worker that panics, hangs or takes four gigabytes does to people who read (spec/security.md DUR-18).

Starts a server again and again, each time with another worker committing another fault, saves pages so that there is something for it to do, and times
reads of pages meanwhile; in between, and as often, without any fault. Faults are in debug builds alone, so that is what is measured, against itself.
Prints a table. Standard library; loopback only.

    python3 bench/faults.py --bin target/debug/holt [--model DIR]
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import corpus
import machine
from machine import median, percentile

WORKERS = ["publish", "index", "embed", "digests", "quota", "maintenance", "care", "purge", "mirror", "webhook"]
FAULTS = ["panic", "hang", "allocate"]
WIKIS, PAGES, READS = 4, 200, 1_500


class Sink(BaseHTTPRequestHandler):
    """A cache that is told to forget."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def once(options, work, sink, tokens, names, fault):
    """Milliseconds of reads, how often the worker failed, and whether the server was still there at the end."""
    data, port = os.path.join(work, "data"), machine.free_port()
    env = {k: v for k, v in os.environ.items() if not k.startswith("HOLT_")} | {"HOLT_DATA": data, "HOLT_RATE_LIMIT": "off", "HOLT_PURGE_SECRET": "x" * 32}
    command = [options.bin, "serve", "--listen", f"127.0.0.1:{port}", "--domain", "localhost", "--log", "error", "--publish-to", f"file://{work}/store",
               "--purge", f"http://127.0.0.1:{sink}/"]
    command += ["--model", options.model] if options.model else []
    command += ["--worker-fault", fault] if fault else []
    process = machine.start(command, os.path.join(work, "log"), env)
    try:
        machine.first_answer(port, "/-/healthz", process, host=f"wiki0.localhost:{port}")
        client, rng, stop, saved = machine.Client(port, f"wiki0.localhost:{port}"), random.Random(3), threading.Event(), [0]
        for _ in range(300):
            client.request("GET", "/" + quote(rng.choice(names)))

        def save():
            while not stop.is_set():
                slug = f"wiki{saved[0] % WIKIS}"
                machine.Client(port, f"{slug}.localhost:{port}").send("PUT", f"/api/v1/pages/Moves", json.dumps({"content": f"# Moves\n\n{time.time()}\n", "commit_message": "moves"}).encode(), {"Content-Type": "application/json", "Authorization": f"Bearer {tokens[slug]}"})
                saved[0] += 1
                stop.wait(0.1)

        thread = threading.Thread(target=save)
        thread.start()
        times = []
        for _ in range(READS):
            address = "/" + quote(rng.choice(names))
            t = time.perf_counter()
            response, _ = client.request("GET", address)
            times.append((time.perf_counter() - t) * 1000)
            if response.status != 200:
                raise RuntimeError(f"{address} answered {response.status}")
            time.sleep(0.001)
        stop.set()
        thread.join()
        said = json.loads(machine.run([options.bin, "workers", "status", "--json"], env=env)) if fault else []
        lines = said["workers"] if isinstance(said, dict) else said
        row = next((line for line in lines if line["worker"] == fault.split("=")[0]), {}) if fault else {}
        return times, row.get("failures", 0), process.poll() is None
    finally:
        machine.stop(process)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model")
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    work = tempfile.mkdtemp(prefix="holt-faults-")
    try:
        env = {k: v for k, v in os.environ.items() if not k.startswith("HOLT_")} | {"HOLT_DATA": os.path.join(work, "data")}
        os.makedirs(os.path.join(work, "store"))
        texts, tokens = corpus.pages(PAGES, 7), {}
        for name, text in texts.items():
            path = os.path.join(work, "pages", name + ".md")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        for n in range(WIKIS):
            machine.run([options.bin, "import", "folder", os.path.join(work, "pages"), "--slug", f"wiki{n}"], env=env)
            tokens[f"wiki{n}"] = json.loads(machine.run([options.bin, "token", "create", "--wiki", f"wiki{n}", "--scope", "write", "--json"], env=env))["token"]
        sink = HTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        names, port = [name for name in texts if name.lower() != "home"], sink.server_address[1]
        print(f"{machine.describe()}\n\n| fault, of each worker in turn | failures | p50, without → with | p99, without → with | worst worker's p99 | goal |\n|---|---|---|---|---|---|", flush=True)
        once(options, work, port, tokens, names, None)
        workers = [worker for worker in WORKERS if worker != "embed" or options.model]
        for fault in FAULTS:
            calm, troubled, failures, worst = [], [], 0, (0, "")
            for worker in workers:
                # Beside each other: the machine is another one a minute later.
                before, _, _ = once(options, work, port, tokens, names, None)
                times, failed, lives = once(options, work, port, tokens, names, f"{worker}={fault}")
                if not lives:
                    raise RuntimeError(f"{worker}={fault} took the server with it")
                calm, troubled, failures = calm + before, troubled + times, failures + failed
                worst = max(worst, (percentile(times, 99) / percentile(before, 99), worker))
            ratio = percentile(troubled, 99) / percentile(calm, 99) - 1
            print(f"| {fault} | {failures} | {median(calm):.2f} → {median(troubled):.2f} ms | {percentile(calm, 99):.2f} → {percentile(troubled, 99):.2f} ms ({ratio:+.0%}) | {worst[1]} ({worst[0] - 1:+.0%}) | ≤ +20 % |", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
