#!/usr/bin/env python3
"""The read path at the edge, measured in one run: an object store with pages in it, holt-edge in front of that, and Varnish in front of all.

Publishes a large wiki to a folder and a small one to an S3 server, starts edges, loads one of them beside nginx with the same bytes, counts what an
edit puts and times until a reader behind the cache sees it, and prints a table. Standard library, s3s-fs (scripts/test-tools.sh), nginx, wrk and
varnishd; loopback only. Where one of these is missing, its rows are.

    python3 bench/edge.py --bin target/release/holt [--edge target/release/holt-edge] [--s3 target/s3-server/bin/s3s-fs] [--pages 10000]
"""

import argparse
import gzip
import http.client
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import corpus
import machine
from machine import median, percentile
from servers import Nginx

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOMAIN, PAGE, EDITED = "wiki.test", "/bench/page", "/bench/manyrev"
BEGAN = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", file=sys.stderr, flush=True)


class Counting(BaseHTTPRequestHandler):
    """Between the server and its object store: passes everything on as it is, and counts what is put."""

    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.counts[self.command] = self.server.counts.get(self.command, 0) + 1
        connection = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=60)
        # The host is signed: it stays that which was asked.
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        said = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") if self.command == "HEAD" else str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        connection.close()

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = do

    def log_message(self, *_):
        pass


def relay(behind):
    """A port that leads to another one and acknowledges at once what comes from there. s3s-fs sends head and body of an answer apart and does not set
    TCP_NODELAY, so that on a kept connection it waits 40 ms for the kernel's acknowledgement: that is no time of the edge's."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, target):
        try:
            while True:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                data = source.recv(1 << 16)
                if not data:
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept():
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", behind))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=pump, args=(near, far), daemon=True).start()
            threading.Thread(target=pump, args=(far, near), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


class Bench:
    """What is started, and what was measured."""

    def __init__(self, options, work):
        self.o, self.work, self.rows, self.failed = options, work, [], []
        self.data = os.path.join(work, "data")
        self.store = os.path.join(work, "store")
        os.makedirs(os.path.join(self.store, "pages"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("HOLT_", "AWS_"))}
        self.env |= {"HOLT_DATA": self.data, "HOLT_RATE_LIMIT": "off", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}

    def row(self, what, figure, goal="", met=None):
        self.rows.append((what, figure, goal, "" if met is None else "met" if met else "**not met**"))
        say(f"{what}: {figure} (goal {goal or '-'}) {'' if met is None else 'met' if met else 'NOT MET'}")

    def attempt(self, measure):
        try:
            measure()
        except Exception as e:  # noqa: BLE001
            self.failed.append(f"{measure.__name__}: {type(e).__name__}: {e}"[:400])
            say(f"FAILED {self.failed[-1]}")

    def holt(self, *arguments, **options):
        return machine.run([self.o.bin, *arguments], env=self.env, **options)

    def prepare(self):
        for slug, count in (("large", self.o.pages), ("small", min(200, self.o.pages))):
            folder = os.path.join(self.work, slug)
            for name, text in corpus.pages(count, 5).items():
                file = os.path.join(folder, name + ".md")
                os.makedirs(os.path.dirname(file), exist_ok=True)
                with open(file, "w") as f:
                    f.write(text)
            began = time.monotonic()
            self.holt("import", "folder", folder, "--slug", slug, timeout=900)
            say(f"imported {count} pages as {slug} in {time.monotonic() - began:.1f} s")
        made = self.holt("token", "create", "--wiki", "small", "--scope", "write", "--name", "bench", "--json")
        self.token = json.loads(made)["token"]

    def backfill(self):
        target = os.path.join(self.work, "folder")
        os.makedirs(target)
        for what, extra, goal in ((f"`holt publish` of {self.o.pages:,} pages to a folder", [], 20 * self.o.pages / 10_000), ("again, with nothing to do", [], None), ("`--verify` of it", ["--verify"], None)):
            began = time.monotonic()
            said = json.loads(self.holt("publish", "--to", f"file://{target}", "--wiki", "large", "--json", *extra, timeout=900))
            took = time.monotonic() - began
            if said.get("failed") or said.get("ok") is False:
                raise RuntimeError(f"{what}: {said}")
            self.row(what, f"{took:.1f} s", f"≤ {goal:.0f} s" if goal else "", took <= goal if goal else None)

    def start_store(self):
        self.s3_port = machine.free_port()
        command = [self.o.s3, "--host", "127.0.0.1", "--port", str(self.s3_port), "--access-key", "key", "--secret-key", "secret", self.store]
        machine.start(command, os.path.join(self.work, "s3.log"))
        self.counting = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
        self.counting.behind, self.counting.counts, self.counting.lock = self.s3_port, {}, threading.Lock()
        self.counting.daemon_threads = True
        threading.Thread(target=self.counting.serve_forever, daemon=True).start()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                http.client.HTTPConnection("127.0.0.1", self.s3_port, timeout=5).connect()
                break
            except OSError:
                time.sleep(0.02)
        self.reading = self.env | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{relay(self.s3_port)}"}
        self.publishing = self.env | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.counting.server_address[1]}"}
        machine.run([self.o.bin, "publish", "--to", "s3://pages/wikis", "--wiki", "small"], env=self.reading, timeout=300)

    def start_edge(self, *flags, fragments="s3://pages/wikis"):
        """An edge; the process, its port, and the seconds from exec to its first page."""
        port = machine.free_port()
        began = time.monotonic()
        command = [self.o.edge, "--fragments", fragments, "--domain", DOMAIN, "--listen", f"127.0.0.1:{port}", *flags]
        process = machine.start(command, os.path.join(self.work, "edge.log"), self.reading)
        answered = machine.first_answer(port, PAGE, process, host=f"small.{DOMAIN}")
        return process, port, answered - began

    def cold(self):
        places = (("out of a local S3 server, four questions in a row", "s3://pages/wikis"), ("out of a folder", os.path.join(self.data, "fragments")))
        for where, fragments in places:
            times = []
            for _ in range(self.o.starts):
                process, _, took = self.start_edge(fragments=fragments)
                times.append(took * 1000)
                machine.stop(process)
            self.row(f"`holt-edge`, exec → first page {where}", f"p50 {median(times):.1f} ms, p95 {percentile(times, 95):.1f} ms", "p50 ≤ 20 ms", median(times) <= 20)

    def store_alone(self):
        """What the S3 server itself takes: whoever asks it waits that long, four times until the first page."""
        wiki = next(path for path, _, files in os.walk(os.path.join(self.store, "pages", "wikis")) if "w" in files)
        url = f"http://127.0.0.1:{self.s3_port}/{os.path.relpath(wiki, self.store)}/w"
        times = []
        for _ in range(self.o.starts):
            said = machine.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{time_pretransfer} %{time_total}", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "key:secret", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", url])
            status, begun, ended = said.split()
            if status != "200":
                raise RuntimeError(f"the S3 server answered {status}")
            times.append((float(ended) - float(begun)) * 1000)
        self.row("one file of the S3 server, asked by curl on a new connection", f"p50 {median(times):.1f} ms, p95 {percentile(times, 95):.1f} ms")

    def warm(self):
        process, port, _ = self.start_edge()
        host = f"small.{DOMAIN}"
        client = machine.Client(port, host)
        for name in corpus.pages(min(200, self.o.pages), 5):
            response, _ = client.request("GET", "/" + name.replace(" ", "%20"), headers={"Accept-Encoding": "gzip"})
            if response.status not in (200, 301):
                raise RuntimeError(f"{name} answered {response.status}")
        response, packed = client.request("GET", PAGE, headers={"Accept-Encoding": "gzip"})
        plain = gzip.decompress(packed)
        rss = machine.rss_mib(process.pid)
        before, count = machine.cpu_seconds(process.pid), self.o.requests
        for _ in range(count):
            client.request("GET", PAGE, headers={"Accept-Encoding": "gzip"})
        cpu = (machine.cpu_seconds(process.pid) - before) / count * 1000
        self.row("CPU of one page, warm, HTTP and the store's questions included", f"{cpu:.3f} ms", "≤ 0.2 ms", cpu <= 0.2)
        self.row(f"memory after {min(200, self.o.pages)} pages", f"{rss:.1f} MiB", "≤ 15 MiB", rss <= 15)
        if shutil.which("nginx") and shutil.which("wrk"):
            nginx = Nginx(self.work)
            nginx.put(PAGE, plain, packed)
            other = machine.free_port()
            nginx.start(other)
            time.sleep(0.5)
            ours, theirs = [], []
            for _ in range(3):
                ours.append(machine.wrk(port, PAGE, 64, self.o.seconds, host=host, gzip=True)["rps"])
                theirs.append(machine.wrk(other, PAGE, 64, self.o.seconds, gzip=True)["rps"])
            ratio = median(ours) / median(theirs)
            self.row(f"pages a second, 64 connections, {len(packed):,} bytes of gzip", f"{median(ours):,.0f} (nginx, the same bytes: {median(theirs):,.0f}; {ratio:.0%})", "≥ 70 % of nginx", ratio >= 0.7)
            self.row("memory after that", f"{machine.rss_mib(process.pid):.1f} MiB", "≤ 15 MiB", machine.rss_mib(process.pid) <= 15)
        machine.stop(process)

    def visible(self):
        varnish = shutil.which("varnishd") or next((p for p in ["/usr/sbin/varnishd"] if os.path.exists(p)), None)
        if not varnish:
            raise RuntimeError("varnishd is not installed")
        cache, port = machine.free_port(), machine.free_port()
        server = machine.start([self.o.bin, "serve", "--listen", f"127.0.0.1:{port}", "--domain", DOMAIN, "--log", "warn", "--publish-to", "s3://pages/wikis", "--purge", f"varnish://127.0.0.1:{cache}"], os.path.join(self.work, "holt.log"), self.publishing)
        machine.first_answer(port, "/-/healthz", server)
        edges = [self.start_edge("--cdn-max-age", "58") for _ in range(2)]
        with open(os.path.join(self.work, "bench.vcl"), "w") as f:
            f.write("vcl 4.1;\nimport directors;\n")
            for name, at in (("one", edges[0][1]), ("two", edges[1][1]), ("origin", port)):
                f.write(f'backend {name} {{ .host = "127.0.0.1"; .port = "{at}"; }}\n')
            f.write('acl publishers { "127.0.0.1"; }\nsub vcl_init { new edges = directors.round_robin(); edges.add_backend(one); edges.add_backend(two); }\n')
            f.write(f'include "{ROOT}/deploy/varnish.vcl";\n')
        command = [varnish, "-j", "none", "-F", "-a", f"127.0.0.1:{cache}", "-T", "none", "-f", f"{self.work}/bench.vcl", "-s", "malloc,32m", "-n", f"{self.work}/varnish"]
        process = machine.start(command, os.path.join(self.work, "varnish.log"))
        host, bearer = f"small.{DOMAIN}", {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        machine.first_answer(cache, PAGE, process, host=host)
        writer, reader = machine.Client(port, host), machine.Client(cache, host)
        times, puts, url = [], [], "/api/v1/pages/bench/manyrev"
        # The server puts what the store lacks when it starts, the large wiki, too: edits are counted when it is done.
        put, end = -1, time.monotonic() + 180
        while put != self.counting.counts.get("PUT", 0) and time.monotonic() < end:
            put = self.counting.counts.get("PUT", 0)
            time.sleep(2)
        revision = json.loads(writer.request("GET", url, headers=bearer)[1])["revision"]
        for round_ in range(self.o.edits + 1):
            before = dict(self.counting.counts)
            words = f"Round number {round_} of the bench."
            response, said = writer.send("PUT", url, json.dumps({"content": f"# To be edited\n\n{words}\n", "revision": revision}).encode(), bearer)
            if response.status >= 300:
                raise RuntimeError(f"the edit answered {response.status}: {said[:200]!r}")
            revision, began = json.loads(said)["revision"], time.monotonic()
            while words.encode() not in reader.request("GET", EDITED)[1]:
                if time.monotonic() - began > 30:
                    raise RuntimeError("the edit was not seen within 30 s")
                time.sleep(0.005)
            # The first one opens everything.
            if round_ > 0:
                times.append(time.monotonic() - began)
                puts.append(self.counting.counts.get("PUT", 0) - before.get("PUT", 0))
            # The next one is timed from a page that the cache has.
            end = time.monotonic() + 10
            while reader.request("GET", EDITED)[0].getheader("X-Cache") != "HIT":
                if time.monotonic() > end:
                    raise RuntimeError("the cache keeps nothing")
                time.sleep(0.05)
        self.row("save → seen through Varnish, purged", f"p50 {median(times):.2f} s, p95 {percentile(times, 95):.2f} s", "p95 ≤ 2 s", percentile(times, 95) <= 2)
        self.row("files put for a change of a text", f"{median(puts):.0f} (most {max(puts)})", "2", max(puts) == 2)

    def table(self):
        lines = [f"{machine.describe()}; {re.sub('T.*', '', time.strftime('%Y-%m-%dT'))}; fsync p50 {median(machine.fsync_ms(self.work)):.1f} ms.", ""]
        lines += ["| what | figure | goal | |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        lines += ["", "The S3 server (s3s-fs) does not set TCP_NODELAY; edges ask it through a relay that acknowledges at once, without which 40 ms are the kernel's."]
        lines += [f"\nFailed: {line}" for line in self.failed]
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "target/release/holt"))
    parser.add_argument("--edge")
    parser.add_argument("--s3")
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="only try the machinery")
    o = parser.parse_args()
    o.bin = os.path.abspath(o.bin)
    o.edge = os.path.abspath(o.edge or os.path.join(os.path.dirname(o.bin), "holt-edge"))
    o.s3 = os.path.abspath(o.s3 or os.environ.get("HOLT_S3_SERVER") or os.path.join(os.path.dirname(o.bin), "../s3-server/bin/s3s-fs"))
    o.starts, o.requests, o.seconds, o.edits = (3, 200, 1, 3) if o.quick else (30, 20_000, 8, 30)
    o.pages = min(o.pages, 300) if o.quick else o.pages
    work = tempfile.mkdtemp(prefix="holt-edge-bench-")
    try:
        bench = Bench(o, work)
        bench.prepare()
        bench.attempt(bench.backfill)
        bench.start_store()
        for measure in (bench.store_alone, bench.cold, bench.warm, bench.visible):
            bench.attempt(measure)
        print(bench.table())
        if bench.failed:
            for name in ("holt.log", "edge.log", "varnish.log"):
                if os.path.exists(os.path.join(work, name)):
                    with open(os.path.join(work, name), errors="replace") as f:
                        say(f"{name}: {f.read()[-1500:]}")
    finally:
        machine._stop_all()
        shutil.rmtree(work, ignore_errors=True)
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
