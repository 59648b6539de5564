#!/usr/bin/env python3
"""Measures Holt beside nginx and Otterwiki in one run and writes docs/benchmarks.md.

Everything is made here, bound to loopback, bounded in time and ended with this script. Ratios between rows of one run say more than
the figures themselves: machines differ and are shared. Goals are those of the design; a missed one is reported, not hidden.
"""

import argparse
import glob
import json
import os
import random
import shutil
import signal
import sys
import time

import agent_tokens
import answers
import corpus
import machine
import report
import screen
from machine import median, percentile
from servers import Holt, Nginx, Otterwiki

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE, LARGE = "/bench/page", "/bench/large"
QUERIES = ["the water", corpus.WORDS[0], corpus.WORDS[900], f"{corpus.WORDS[1]} {corpus.WORDS[2]}", "zzznothing"]


class Run:
    """One run: the servers, what was measured, what could not be."""

    def __init__(self, options):
        self.o, self.rows, self.notes, self.failed = options, [], [], []
        self.work = os.path.join(ROOT, "bench", "work")
        os.makedirs(self.work, exist_ok=True)
        self.holt, self.nginx, self.otter = Holt(options.bin, self.work), Nginx(self.work), Otterwiki(self.work)
        self.has_otter, self.has_nginx = False, shutil.which("nginx") is not None and shutil.which("wrk") is not None
        self.t0 = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.t0:6.1f} s] {text}", file=sys.stderr, flush=True)

    def row(self, what, figure, goal="", met=None, peer="", ratio="", raw=None):
        self.rows.append({"what": what, "figure": figure, "goal": goal, "met": met, "peer": peer, "ratio": ratio, "raw": raw})
        self.say(f"{what}: {figure} (goal {goal or '-'}; peer {peer or '-'}; ratio {ratio or '-'}) {'' if met is None else 'met' if met else 'NOT MET'}")

    def attempt(self, measure):
        """A measurement that fails is a line in the report, never a reason to lose the others."""
        try:
            measure()
        except Exception as e:  # noqa: BLE001
            self.failed.append(f"{measure.__name__}: {type(e).__name__}: {e}"[:400])
            self.say(f"FAILED {self.failed[-1]}")
        finally:
            machine._stop_all()

    # Preparation

    def prepare(self):
        self.bare = {size: corpus.build(self.work, size, self.o.quick) for size in corpus.SIZES}
        self.sizes = {size: (corpus.QUICK if self.o.quick else corpus.SIZES)[size] for size in corpus.SIZES}
        self.say("corpora are ready")
        if self.o.otterwiki:
            try:
                self.otter.prepare()
                self.has_otter = True
                self.trees = {}
                for size, bare in self.bare.items():
                    self.trees[size] = corpus.checkout(bare, bare[:-4] + "-tree")
            except Exception as e:  # noqa: BLE001
                self.notes.append(f"Otterwiki could not be installed here ({str(e)[:120]}): its column is empty.")
        imports = self.holt.prepare(self.bare, self.o.wikis, self.say)
        pages, commits, _ = self.sizes["large"]
        self.row(f"`holt import git`, {pages:,} pages, {commits:,} commits", f"{imports['large']:.1f} s")

    def holt_up(self):
        port = machine.free_port()
        process = self.holt.start(port)
        machine.first_answer(port, PAGE, process)
        return process, port

    def otter_up(self, size, workers=1):
        port = machine.free_port()
        process = self.otter.start(self.trees[size], port, workers)
        return process, port, machine.first_answer(port, PAGE, process, timeout=120)

    # Measurements

    def cold_start(self):
        """From exec to the first page and to the first acknowledged save, on one logged-in session."""
        process, port = self.holt_up()
        client = self.holt.client("medium", port)
        machine.stop(process)
        first, saved, kept = [], [], True
        for i in range(self.o.starts):
            # The session is bound to the host as the browser knows it: the same port each time.
            t0 = time.monotonic()
            process = self.holt.start(port)
            first.append((machine.first_answer(port, PAGE, process) - t0) * 1000)
            machine.stop(process)
        fields = None
        for i in range(self.o.starts):
            if fields is None:
                process = self.holt.start(port)
                machine.first_answer(port, PAGE, process)
            else:
                t0 = time.monotonic()
                process = self.holt.start(port)
                self.until_open(port, process)
                client.close()
                self.holt.save(client, fields, action, f"# To be edited\n\nStart {i}, {time.time_ns()}.\n")
                saved.append((time.monotonic() - t0) * 1000)
            fields, action = self.holt.editor(client, "bench/edit")
            client.close()
            machine.stop(process)
        otter_first, otter_saved = [], []
        if self.has_otter:
            for i in range(min(3, self.o.starts)):
                port = machine.free_port()
                t0 = time.monotonic()
                process = self.otter.start(self.trees["medium"], port)
                otter_first.append((machine.first_answer(port, PAGE, process) - t0) * 1000)
                self.otter.save(machine.Client(port), "bench/edit", f"# To be edited\n\nStart {i}, {time.time_ns()}.\n")
                otter_saved.append((time.monotonic() - t0) * 1000)
                machine.stop(process)
        ratio = median(otter_first) / median(first) if otter_first else None
        met = median(first) <= 20 and (ratio is None or ratio >= 100)
        self.row(f"exec → first page, {self.o.wikis:,} wikis in the data directory", f"{median(first):.1f} ms", "≤ 20 ms, ≥ 100 × Otterwiki", met,
                 f"Otterwiki {median(otter_first):,.0f} ms" if otter_first else "", f"{ratio:.0f} × faster" if ratio else "", first)
        ratio = median(otter_saved) / median(saved) if otter_saved else None
        self.row("exec → first acknowledged save", f"{median(saved):.1f} ms", "≤ 50 ms", median(saved) <= 50,
                 f"Otterwiki {median(otter_saved):,.0f} ms" if otter_saved else "", f"{ratio:.0f} × faster" if ratio else "", saved)

    @staticmethod
    def until_open(port, process, timeout=30):
        """Until the port accepts: what a browser with the form already open would see."""
        import socket
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("the server ended before it listened") from None
                time.sleep(0.0003)
        raise RuntimeError("the server never listened")

    def throughput(self):
        """Interleaved rounds: whatever else the machine does falls on both."""
        if not self.has_nginx:
            self.notes.append("nginx or wrk is not installed: no throughput rows.")
            return
        process, port = self.holt_up()
        client = machine.Client(port)
        sizes = {}
        for path in (PAGE, LARGE):
            response, plain = client.request("GET", path)
            packed_response, packed = client.request("GET", path, headers={"Accept-Encoding": "gzip"})
            if packed_response.getheader("Content-Encoding") != "gzip":
                raise RuntimeError(f"{path} is not sent packed")
            self.nginx.put(path, plain, packed)
            sizes[path] = (len(plain), len(packed))
        other_port = machine.free_port()
        other = self.nginx.start(other_port)
        machine.first_answer(other_port, PAGE, other)
        cases = [(PAGE, c, packed) for packed in (False, True) for c in (1, 16, 64)] + [(LARGE, 16, False), (LARGE, 16, True)]
        otter_rps = None
        if self.has_otter:
            up, otter_port, _ = self.otter_up("medium", workers=os.cpu_count())
            result = machine.wrk(otter_port, PAGE, 16, self.o.seconds * 2)
            otter_rps = result["rps"]
            machine.stop(up)
        for path, connections, packed in cases:
            ours, theirs = [], []
            cpu = 0
            for _ in range(self.o.rounds):
                before = machine.cpu_seconds(process.pid)
                ours.append(machine.wrk(port, path, connections, self.o.seconds, gzip=packed))
                cpu += machine.cpu_seconds(process.pid) - before
                theirs.append(machine.wrk(other_port, path, connections, self.o.seconds, gzip=packed))
            bad = sum(r["bad"] for r in ours)
            if bad:
                self.failed.append(f"throughput: {bad} requests of {path} failed at {connections} connections")
            rps, nginx_rps = median([r["rps"] for r in ours]), median([r["rps"] for r in theirs])
            p99, nginx_p99 = median([r["p99"] for r in ours]), median([r["p99"] for r in theirs])
            ratio = median([a["rps"] / b["rps"] for a, b in zip(ours, theirs)])
            met, goal = ratio >= 0.7, "≥ 70 % of nginx"
            if connections == 64:
                met, goal = met and p99 <= 2, goal + ", p99 ≤ 2 ms"
            against = ""
            if otter_rps and connections == 16 and path == PAGE and not packed:
                against = f"; Otterwiki {otter_rps:,.0f}/s ({rps / otter_rps:,.0f} ×)"
                met, goal = met and rps / otter_rps >= 100, goal + ", ≥ 100 × Otterwiki"
            kind = f"{'gzip' if packed else 'identity'}, {sizes[path][packed] / 1000:.1f} KB"
            self.row(f"page, {connections} connection{'s' if connections > 1 else ''}, {kind}",
                     f"{rps:,.0f}/s, p99 {p99:.2f} ms, {cpu * 1e6 / max(1, sum(r['requests'] for r in ours)):.0f} µs CPU", goal, met,
                     f"nginx {nginx_rps:,.0f}/s, p99 {nginx_p99:.2f} ms{against}", f"{ratio:.0%}", ours + theirs)
        self.loaded_rss = machine.rss_mib(process.pid)

    def saves(self):
        """The sizes take turns, so that the disk's moods fall on all of them; the disk itself is asked in between."""
        process, port = self.holt_up()
        clients = {size: self.holt.client(size, port) for size in self.sizes}
        times, disk = {size: [] for size in self.sizes}, []
        rng = random.Random(5)
        for n in range(self.o.saves):
            for size, client in clients.items():
                fields, action = self.holt.editor(client, "bench/edit")
                text = f"# To be edited\n\nSave {n} {time.time_ns()}.\n\n{corpus.paragraph(rng)}\n"
                ms = self.holt.save(client, fields, action, text)
                if n >= 2:  # the first ones open the wiki
                    times[size].append(ms)
            disk += machine.fsync_ms(self.work, 3)
        otter = {}
        if self.has_otter:
            for size in self.sizes:
                up, otter_port, _ = self.otter_up(size)
                client = machine.Client(otter_port)
                otter[size] = [self.otter.save(client, "bench/edit", f"# To be edited\n\nSave {n} {time.time_ns()}.\n") for n in range(self.o.peer_saves)]
                machine.stop(up)
        limit = 4 * median(disk) + 5
        for size, ms in times.items():
            pages, commits, _ = self.sizes[size]
            peer = f"Otterwiki {median(otter[size]):.0f} ms, not synced" if size in otter else ""
            self.row(f"durable save, {pages:,} pages, {commits:,} commits", f"p50 {median(ms):.1f} ms, p99 {percentile(ms, 99):.1f} ms",
                     f"p50 ≤ 4 × fsync + 5 ms = {limit:.1f} ms", median(ms) <= limit, f"fsync p50 {median(disk):.2f} ms; {peer}".rstrip("; "),
                     f"{median(otter[size]) / median(ms):.1f} × faster" if size in otter else "", ms)
        flat = median(times["large"]) / median(times["small"])
        self.row("durable save, largest wiki against smallest", f"{flat:.2f} ×", "≤ 1.5 ×", flat <= 1.5,
                 f"Otterwiki {median(otter['large']) / median(otter['small']):.1f} ×" if otter else "")

    def search(self):
        process, port = self.holt_up()
        client = machine.Client(port, self.holt.host("large", port))
        times, hits = [], 0
        for _ in range(self.o.searches):
            for query in QUERIES:
                t = time.perf_counter()
                response, body = client.request("GET", "/-/search?q=" + query.replace(" ", "+"))
                times.append((time.perf_counter() - t) * 1000)
                if response.status != 200:
                    raise RuntimeError(f"search answered {response.status}")
                hits += body.count(b"<mark")
        if not hits:
            raise RuntimeError("no query found anything")
        peer, ratio = "", ""
        if self.has_otter:
            up, otter_port, _ = self.otter_up("large")
            other, slow = machine.Client(otter_port), []
            for query in QUERIES[: 1 if self.o.quick else 3]:
                t = time.perf_counter()
                other.request("GET", "/-/search/" + query.replace(" ", "%20"))
                slow.append((time.perf_counter() - t) * 1000)
            peer, ratio = f"Otterwiki p50 {median(slow):,.0f} ms", f"{median(slow) / median(times):,.0f} × faster (p50)"
        p95 = percentile(times, 95)
        self.row(f"search page, {self.sizes['large'][0]:,} pages", f"p50 {median(times):.1f} ms, p95 {p95:.1f} ms", "p95 ≤ 10 ms", p95 <= 10, peer, ratio, times)

    def history(self):
        process, port = self.holt_up()
        client = machine.Client(port, self.holt.host("large", port))
        times = []
        for _ in range(self.o.searches):
            t = time.perf_counter()
            response, _ = client.request("GET", "/bench/manyrev/history")
            times.append((time.perf_counter() - t) * 1000)
            if response.status != 200:
                raise RuntimeError(f"history answered {response.status}")
        _, commits, many = self.sizes["large"]
        self.row(f"history, first page, {many:,} revisions in {commits:,} commits", f"p50 {median(times):.1f} ms", "≤ 10 ms", median(times) <= 10, raw=times)

    def memory(self):
        process, port = self.holt_up()
        time.sleep(0.5)
        idle = machine.rss_mib(process.pid)
        client = machine.Client(port)
        for i in range(self.o.wikis - 3):
            client.host = self.holt.host(f"wiki-{i:05d}", port)
            client.request("GET", "/")
        touched = machine.rss_mib(process.pid)
        peer, ratio = "", ""
        if self.has_otter:
            up, _, _ = self.otter_up("medium")
            peer = f"Otterwiki, one wiki: {machine.rss_mib(up.pid):.0f} MiB"
            ratio = f"{machine.rss_mib(up.pid) / idle:.1f} × less"
        self.row(f"RSS, idle, {self.o.wikis:,} wikis", f"{idle:.1f} MiB", "≤ 40 MiB", idle <= 40, peer, ratio)
        self.row(f"RSS after touching {self.o.wikis:,} wikis", f"+ {touched - idle:.1f} MiB", "+ ≤ 60 MiB (for 10,000)", touched - idle <= 60)
        if getattr(self, "loaded_rss", None):
            self.row("RSS after the page load above", f"{self.loaded_rss:.1f} MiB")

    def rebuild(self):
        """Everything derived of the large wiki is made again from git."""
        t = time.monotonic()
        self.holt.command("reindex", "--wiki", "large", timeout=900)
        seconds = time.monotonic() - t
        goal = "≤ 20 s"
        self.row(f"full rebuild, {self.sizes['large'][0]:,} pages (index and fragments)", f"{seconds:.1f} s", goal, seconds <= 20)

    def render(self):
        text = corpus.prose(1_000_000)
        empty, full = [], []
        for _ in range(5):
            for times, source in ((empty, "x\n"), (full, text)):
                t = time.perf_counter()
                self.holt.command("render", input=source, timeout=60)
                times.append(time.perf_counter() - t)
        speed = 1.0 / max(1e-6, min(full) - min(empty))
        self.row("Markdown → HTML, plain prose", f"{speed:.0f} MB/s", "≥ 30 MB/s", speed >= 30)
        # The renderer alone, by its own bench (divan beside it says more: `cargo bench -p holt-markdown`).
        found = self.renderer("corpus")
        for name, what, goal in (("book", "the Rust Book, a third of it code", 0), ("changelog", "Otterwiki's change log", 0), ("code", "highlighted Rust", 5),
                                 ("python", "highlighted Python", 5), ("javascript", "highlighted JavaScript", 5)):
            line = next((row for row in found if row["corpus"] == name), None)
            if not line:
                continue
            peer = ratio = ""
            if self.o.otterwiki:
                theirs = self.otter.render_speed(self.pages(name))
                peer, ratio = f"Otterwiki {theirs:.2f} MB/s", f"{line['mb_s'] / theirs:.0f} × faster"
            met = (f"≥ {goal} MB/s", line["mb_s"] >= goal) if goal else ("", None)
            self.row(f"Markdown → HTML, {what}", f"{line['mb_s']:.1f} MB/s", *met, peer, ratio)
        families = self.renderer("families")
        worst = max(families, key=lambda row: row["mean"])
        slowest = max(families, key=lambda row: row["ms"])
        self.row(f"{len(families)} hostile families, 32 KiB to 1 MiB: time per doubling", f"≤ {worst['mean']:.2f} × ({worst['family']})", "≤ 2.6 ×", worst["mean"] <= 2.6)
        self.row("the slowest hostile megabyte", f"{slowest['ms']:.0f} ms ({slowest['family']})")

    @staticmethod
    def renderer(what):
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        out = machine.run(["cargo", "bench", "--locked", "--quiet", "-p", "holt-markdown", "--bench", "render", "--", what], cwd=root, timeout=1200)
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    @staticmethod
    def pages(name):
        """The pages that the bench of the renderer takes, for the peer."""
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        shared = os.path.join(root, "..", "shared", "corpus", "markdown")
        patterns = {"book": (f"{shared}/rust-book/*.md", ""), "changelog": (f"{shared}/*.md", ""), "code": (f"{root}/crates/markdown/src/*.rs", "rust"),
                    "python": (f"{root}/bench/run.py", "python"), "javascript": (f"{root}/crates/fragments/assets/holt.js", "js")}
        pattern, language = patterns[name]
        texts = [open(file, encoding="utf-8").read() for file in sorted(glob.glob(pattern))]
        return [f"```{language}\n{text}\n```\n" for text in texts] if language else texts

    def answers(self):
        answers.measure(self)

    def agent_tokens(self):
        agent_tokens.measure(self)

    def screens(self):
        screen.measure(self)

    def edge(self):
        binary = os.path.join(os.path.dirname(self.o.bin), "holt-edge")
        if not os.path.exists(binary):
            self.notes.append("holt-edge was not built: no edge rows.")
            return
        times = []
        for _ in range(self.o.starts):
            port = machine.free_port()
            t = time.monotonic()
            process = machine.start([binary, "--fragments", os.path.join(self.holt.data, "fragments"), "--listen", f"127.0.0.1:{port}", "--domain", "localhost"],
                                    os.path.join(self.work, "edge.log"))
            times.append((machine.first_answer(port, PAGE, process, host=self.holt.host("medium", port), timeout=20) - t) * 1000)
            rss = machine.rss_mib(process.pid)
            machine.stop(process)
        self.row("holt-edge: exec → first page", f"{median(times):.1f} ms", "≤ 20 ms", median(times) <= 20, raw=times)
        self.row("holt-edge: RSS", f"{rss:.1f} MiB", "≤ 15 MiB", rss <= 15)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", required=True, help="the release binary")
    p.add_argument("--quick", action="store_true", help="tiny corpora, one round, nothing written to docs/: does the machinery work?")
    p.add_argument("--only", default="", help="comma-separated measurements")
    p.add_argument("--no-otterwiki", dest="otterwiki", action="store_false")
    p.add_argument("--minutes", type=int, default=60, help="the run is ended after so long")
    o = p.parse_args()
    o.bin = os.path.abspath(o.bin)
    full = {"wikis": 1000, "starts": 11, "rounds": 3, "seconds": 4, "saves": 60, "peer_saves": 10, "searches": 40, "screens": 9}
    quick = {"wikis": 12, "starts": 3, "rounds": 1, "seconds": 1, "saves": 6, "peer_saves": 2, "searches": 4, "screens": 2}
    vars(o).update(quick if o.quick else full)

    def too_late(*_):
        raise SystemExit(f"the run took more than {o.minutes} minutes")

    signal.signal(signal.SIGALRM, too_late)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.alarm(o.minutes * 60)

    run = Run(o)
    chosen = o.only.split(",") if o.only else ["cold_start", "throughput", "saves", "search", "answers", "agent_tokens", "history", "screens", "memory", "edge", "render", "rebuild"]
    # It makes a wiki of its own, and counts.
    if chosen != ["agent_tokens"]:
        run.prepare()
    for name in chosen:
        run.attempt(getattr(run, name))
    with open(os.path.join(run.work, "results.json"), "w") as f:
        json.dump({"rows": run.rows, "failed": run.failed, "notes": run.notes}, f, indent=1)
    out = os.path.join(run.work, "benchmarks-quick.md") if o.quick or o.only else os.path.join(ROOT, "docs", "benchmarks.md")
    report.write(out, run, machine.describe())
    run.say(f"wrote {os.path.relpath(out, ROOT)}")
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
