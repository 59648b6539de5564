#!/usr/bin/env python3
"""Many wikis on one machine, made and used as an operator's users do: through the platform's API, the wikis' own, and git.

Makes wikis on *.localhost, writes into them, clones and pushes, visits all of them at random, breaks the database of one, floods another while the rest
are asked, starts again with ten times as many rows, and prints a table. Standard library, git and wrk; loopback only.

    python3 bench/many.py --bin target/release/holt [--wikis 1000] [--rows 100000]
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import machine

EMAIL, PASSWORD = "operator@example.org", "a long enough passphrase"
GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "Bench", "GIT_AUTHOR_EMAIL": EMAIL,
       "GIT_COMMITTER_NAME": "Bench", "GIT_COMMITTER_EMAIL": EMAIL}


def say(text):
    print(f"[{time.monotonic() - BEGAN:7.1f} s] {text}", flush=True)


BEGAN = time.monotonic()


class Platform:
    """The server, and somebody who administers it."""

    def __init__(self, binary, work):
        os.makedirs(work, exist_ok=True)
        self.binary, self.data, self.log = binary, os.path.join(work, "data"), os.path.join(work, "log")
        self.port = machine.free_port()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HOLT_")} | {"HOLT_DATA": self.data, "HOLT_RATE_LIMIT": "off"}
        machine.run([binary, "wiki", "create", "first"], env=self.env)
        machine.run([binary, "user", "add", EMAIL, "--name", "Operator", "--admin", "--password-stdin"], env=self.env, input=PASSWORD + "\n")
        self.process, self.token = None, None

    def start(self):
        """Seconds from exec to the first page of a wiki."""
        began = time.monotonic()
        self.process = machine.start([self.binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--domain", "localhost", "--log", "error"], self.log, self.env)
        return machine.first_answer(self.port, "/-/healthz", self.process, host=f"localhost:{self.port}") - began

    def log_in(self):
        """Makes a token of the operator's by the dashboard, as a person would."""
        browser = machine.Client(self.port, f"localhost:{self.port}")
        fields, action = browser.form("/auth/login", "password")
        response, body = browser.request("POST", action, {**fields, "email": EMAIL, "password": PASSWORD})
        if response.status not in (302, 303):
            raise RuntimeError(f"log-in answered {response.status}: {body[:300]!r}")
        fields, action = browser.form("/app/account", "label")
        response, body = browser.request("POST", action, {**fields, "label": "bench", "scope": "manage"})
        text = body.decode()
        at = text.find("holt_")
        if at < 0:
            raise RuntimeError(f"no token after {response.status}: {text[:500]}")
        end = at
        while text[end].isalnum() or text[end] in "_-":
            end += 1
        self.token = text[at:end]

    def client(self, slug=None):
        return machine.Client(self.port, f"{slug}.localhost:{self.port}" if slug else f"localhost:{self.port}")


def ask(client, method, path, token=None, body=None, expect=(200, 201)):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    t = time.perf_counter()
    response, data = client.send(method, path, json.dumps(body).encode() if body is not None else None, headers)
    ms = (time.perf_counter() - t) * 1000
    if response.status not in expect:
        raise RuntimeError(f"{method} {client.host}{path} answered {response.status}: {data[:300]!r}")
    return data, ms


def make(platform, count):
    """Makes wikis through the API, four at a time: their tokens, and ms for each."""
    local, tokens, times = threading.local(), {}, []

    def one(number):
        client = local.__dict__.setdefault("client", platform.client())
        slug = f"team-{number:05d}"
        body = {"slug": slug, "display_name": f"Team {number}", "purpose": "What we know."}
        data, ms = ask(client, "POST", "/api/wikis", platform.token, body)
        tokens[slug] = json.loads(data)["mcp_token"]
        times.append(ms)
        changes = {"git_access_enabled": True} | ({"access": {"read": "ANONYMOUS"}} if number % 2 else {})
        ask(client, "PATCH", f"/api/wikis/{slug}", platform.token, changes)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(count)))
    return tokens, times


def git(folder, *command):
    done = subprocess.run(["git", *command], cwd=folder, env={**os.environ, **GIT}, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"git {command[0]} ended with {done.returncode}: {done.stderr[-400:]}")


def clone_and_push(platform, tokens, work, count):
    """Clones wikis and pushes a page into each: ms to clone, ms to push until acknowledged; then sees the page through the API."""
    clones, pushes = [], []
    for slug in random.sample(sorted(tokens), count):
        folder = os.path.join(work, "clone")
        shutil.rmtree(folder, ignore_errors=True)
        url = f"http://x:{tokens[slug]}@{slug}.localhost:{platform.port}/.git"
        t = time.perf_counter()
        git(work, "clone", "-q", url, folder)
        clones.append((time.perf_counter() - t) * 1000)
        with open(os.path.join(folder, "pushed.md"), "w") as f:
            f.write(f"# Pushed\n\nSaid in {slug}.\n")
        git(folder, "add", "pushed.md")
        git(folder, "commit", "-qm", "Pushed")
        t = time.perf_counter()
        git(folder, "push", "-q", "origin", "HEAD")
        pushes.append((time.perf_counter() - t) * 1000)
        found, _ = ask(platform.client(slug), "GET", "/api/v1/search?q=said", tokens[slug])
        if not any(hit["path"].lower() == "pushed" for hit in json.loads(found)["results"]):
            raise RuntimeError(f"what was pushed to {slug} is not found at once: {found[:300]!r}")
    return clones, pushes


def visit(platform, tokens, visits):
    """Reads pages of wikis at random, public ones as published, others through the API: ms."""
    local, published, private = threading.local(), [], []
    slugs = sorted(tokens)

    def one(number):
        # Every wiki once, then any.
        slug = slugs[number] if number < len(slugs) else random.choice(slugs)
        clients = local.__dict__.setdefault("clients", {})
        client = clients.setdefault("one", platform.client())
        client.host = f"{slug}.localhost:{platform.port}"
        if int(slug[5:]) % 2:
            published.append(ask(client, "GET", "/")[1])
        else:
            private.append(ask(client, "GET", "/api/v1/pages/Home", tokens[slug])[1])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(visits)))
    return published, private


def wiki_folder(platform, slug):
    with sqlite3.connect(f"file:{platform.data}/holt.db?mode=ro", uri=True) as db:
        (number,) = db.execute("SELECT id FROM wikis WHERE slug = ?", (slug,)).fetchone()
    return os.path.join(platform.data, "wikis", f"{number & 0xFFFFFFFFFFFFFFFF:016x}")


def steady(platform, slugs, tokens, seconds):
    """Asks these wikis in turn for a while: ms of published pages and of live ones, and what failed."""
    client, pages, live, failed = platform.client(), [], [], 0
    end, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        slug = slugs[turn % len(slugs)]
        turn += 1
        client.host = f"{slug}.localhost:{platform.port}"
        try:
            pages.append(ask(client, "GET", "/")[1])
            live.append(ask(client, "GET", "/api/v1/search?q=team", tokens[slug])[1])
        except RuntimeError:
            failed += 1
    return pages, live, failed


def flood(platform, slug, seconds):
    """Ten times as many searches at once as a wiki has places, and more; ended by the caller."""
    command = ["wrk", "-t1", "-c200", f"-d{seconds}s", "--timeout", "20s", "-H", f"Host: {slug}.localhost:{platform.port}",
               f"http://127.0.0.1:{platform.port}/-/search?q=team+know+page"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def flooded_by(generator, platform, others, tokens, seconds):
    """What `steady` measures while that goes on, how many failed, and how many answers a second the flood got."""
    time.sleep(1)
    pages, live, failed = steady(platform, others, tokens, seconds)
    said = generator.communicate()[0]
    rate = next((line.split()[1] for line in said.splitlines() if line.startswith("Requests/sec")), "?")
    return (pages, live), failed, f"{rate} answers a second"


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def quartiles(values):
    return f"p50 {machine.percentile(values, 50):.1f} ms, p99 {machine.percentile(values, 99):.1f} ms"


def more_rows(platform, rows):
    """Fills the platform's database with wikis that nobody visits."""
    with sqlite3.connect(os.path.join(platform.data, "holt.db")) as db:
        sql = "INSERT INTO wikis (id, slug, name, created, state) VALUES (?, ?, ?, 1700000000, 'active')"
        db.executemany(sql, ((random.getrandbits(62) + 1, f"row-{number:06d}", f"Row {number}") for number in range(rows)))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bin", required=True)
    arguments.add_argument("--wikis", type=int, default=1000)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments = arguments.parse_args()
    random.seed(7)
    work = tempfile.mkdtemp(prefix="holt-many-")
    table = []

    def row(what, value):
        table.append((what, value))
        say(f"{what}: {value}")

    try:
        platform = Platform(arguments.bin, work)
        row("start with 1 wiki", f"{platform.start() * 1000:.1f} ms")
        platform.log_in()
        idle = machine.rss_mib(platform.process.pid)
        t = time.monotonic()
        tokens, times = make(platform, arguments.wikis)
        seconds = time.monotonic() - t
        row(f"{arguments.wikis:,} wikis made through the API", f"{seconds:.0f} s, {quartiles(times)} each, four at a time")
        machine.stop(platform.process)
        row(f"start with {arguments.wikis:,} wikis", f"{platform.start() * 1000:.1f} ms")
        fresh = machine.rss_mib(platform.process.pid)
        published, private = visit(platform, tokens, 2 * arguments.wikis)
        row("published page of a wiki at random", quartiles(published))
        row("page of a private wiki at random, through the API", quartiles(private))
        row("memory: empty, with all wikis at rest, after visiting all",
            f"{idle:.1f} MiB, {fresh:.1f} MiB, {machine.rss_mib(platform.process.pid):.1f} MiB")
        row("open files after visiting all", str(open_files(platform.process.pid)))
        clones, pushes = clone_and_push(platform, tokens, work, 20)
        row("git clone of one of them", quartiles(clones))
        row("git push of a page, indexed and published", quartiles(pushes))

        broken, flooded, *others = random.sample([slug for slug in sorted(tokens) if int(slug[5:]) % 2], 22)
        machine.stop(platform.process)
        with open(os.path.join(wiki_folder(platform, broken), "wiki.db"), "r+b") as f:
            f.write(os.urandom(8192))
        platform.start()
        client = platform.client(broken)
        response, _ = client.send("GET", "/-/changelog", None, {})
        _, _, failed = steady(platform, others, tokens, 3)
        row("a wiki whose database is broken", f"answers {response.status}; of the others {failed} requests fail")
        rest = steady(platform, others, tokens, arguments.seconds)
        row("others, at rest: page; search", f"{quartiles(rest[0])}; {quartiles(rest[1])}")
        # The flood and whoever answers it take time of these cores wherever they are: the control has them at a server of its own.
        beside = Platform(arguments.bin, os.path.join(work, "beside"))
        beside.start()
        control, _, rate = flooded_by(flood(beside, "first", arguments.seconds + 4), platform, others, tokens, arguments.seconds)
        machine.stop(beside.process)
        row("others, while 200 connections search in a wiki of another server on this machine", f"{quartiles(control[0])}; {quartiles(control[1])}; the flood: {rate}")
        during, failed, rate = flooded_by(flood(platform, flooded, arguments.seconds + 4), platform, others, tokens, arguments.seconds)
        row("others, while 200 connections search in one wiki of this server", f"{quartiles(during[0])}; {quartiles(during[1])}; {failed} fail; the flood: {rate}")
        for what, base in (("that at rest", rest), ("that beside the other server's flood (goal 2)", control)):
            ratio = [machine.percentile(during[kind], 99) / machine.percentile(base[kind], 99) for kind in (0, 1)]
            row(f"p99 of the others in the flood, against {what}", f"pages {ratio[0]:.2f} ×, searches {ratio[1]:.2f} ×")
        machine.stop(platform.process)
        more_rows(platform, arguments.rows)
        starts = []
        for _ in range(5):
            starts.append(platform.start() * 1000)
            machine.stop(platform.process)
        row(f"start with {arguments.rows + arguments.wikis:,} wikis in the platform's database", f"{machine.median(starts):.1f} ms")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"\n{machine.describe()}\n\n| what | |\n|---|---|")
    for what, value in table:
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    sys.exit(main())
