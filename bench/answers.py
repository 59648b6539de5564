"""What programs and people who type wait for: lists, search, links and completion of the large wiki, as requests on one kept-alive connection."""

import json
import os
import random
import subprocess
import time
from urllib.parse import quote

import corpus
import machine
from machine import median, percentile

# Words that stand in every page, in a part of them, in few, two at a time, as a phrase, as a beginning, left out, only as "any of them", in none.
QUERIES = ["the water", corpus.WORDS[0], corpus.WORDS[900], f"{corpus.WORDS[1]} {corpus.WORDS[2]}", '"of the"', "wa*", "the -water",
           f"{corpus.WORDS[3000]} zzznothing", "zzznothing"]
PATTERNS = ["Round [0-9]{4}:", "(?i)water.{0,20}words", "^## [A-Z]", "zzz[a-z]+nothing"]


def timed(run, client, address, times):
    """Asks once; the JSON that came."""
    t = time.perf_counter()
    response, body = client.request("GET", address, headers=run.bearer)
    times.append((time.perf_counter() - t) * 1000)
    if response.status != 200:
        raise RuntimeError(f"{address} answered {response.status}: {body[:200]!r}")
    return json.loads(body)


def row(run, what, times, goal, limit, at):
    run.row(what, f"p50 {median(times):.1f} ms, p95 {percentile(times, 95):.1f} ms", goal, percentile(times, at) <= limit, raw=times)


def measure(run):
    # A token is made while nobody serves.
    token = json.loads(run.holt.command("token", "create", "--wiki", "large", "--scope", "read", "--name", "bench", "--json"))
    process, port = run.holt_up()
    client = machine.Client(port, run.holt.host("large", port))
    run.bearer = {"Authorization": f"Bearer {token['token']}"}
    pages, n = f"{run.sizes['large'][0]:,} pages", run.o.searches
    rng = random.Random(9)

    # The first request opens the wiki.
    timed(run, client, "/api/v1/wiki", [])
    times = []
    for _ in range(n):
        listed = timed(run, client, "/api/v1/pages?limit=100", times)
    row(run, f"`GET /pages`, first 100 of {listed['total']:,}", times, "p95 ≤ 5 ms", 5, 95)
    names = [page["path"] for page in listed["pages"]]
    times = []
    for _ in range(n * 4):
        timed(run, client, "/api/v1/pages/" + quote(rng.choice(names)), times)
    row(run, "`GET /pages/{path}`, read before", times[n:], "p50 ≤ 1 ms", 1, 50)
    times = []
    for _ in range(max(3, n // 4)):
        edges = len(timed(run, client, "/api/v1/links", times)["edges"])
    row(run, f"`GET /links`, {edges:,} edges", times, f"p50 ≤ 100 ms for 50,000 edges: {edges / 500:.0f} ms", edges / 500, 50)

    times = []
    for _ in range(n):
        care = timed(run, client, "/api/v1/care?limit=50", times)
    if not care["findings"]:
        raise RuntimeError("nothing wants care in the large wiki")
    row(run, f"`GET /care`, first 50 of {care['total']:,} findings in {pages}", times, "p95 ≤ 50 ms", 50, 95)

    found, by_query = 0, {}
    for _ in range(n):
        for query in QUERIES:
            found += timed(run, client, "/api/v1/search?q=" + quote(query), by_query.setdefault(query, []))["total"]
    if not found:
        raise RuntimeError("no query found anything")
    for query, times in by_query.items():
        run.say(f"  {query!r}: p50 {median(times):.1f} ms, p95 {percentile(times, 95):.1f} ms")
    row(run, f"`GET /search`, {pages}", [t for times in by_query.values() for t in times], "p95 ≤ 10 ms", 10, 95)
    regexes(run, client, pages)


def regexes(run, client, pages):
    """A pattern through all pages, part by part until there is nothing left, beside grep -r on a work tree of the same pages."""
    ours, theirs = [], []
    tree = corpus.checkout(run.bare["large"], run.bare["large"][:-4] + "-tree")
    for _ in range(max(2, run.o.searches // 10)):
        for pattern in PATTERNS:
            cursor, spent = "", []
            while True:
                said = timed(run, client, f"/api/v1/search?regex={quote(pattern)}&limit=100{cursor}", spent)
                if not said.get("next_cursor"):
                    break
                cursor = "&cursor=" + quote(said["next_cursor"])
            ours.append(sum(spent))
            t = time.perf_counter()
            subprocess.run(["grep", "-rlP", "--include=*.md", pattern, tree], stdout=subprocess.DEVNULL, check=False, timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"})
            theirs.append((time.perf_counter() - t) * 1000)
    run.row(f"search by regular expression, all of {pages}", f"p50 {median(ours):.0f} ms, p95 {percentile(ours, 95):.0f} ms", "", None,
            f"grep -rP p50 {median(theirs):,.0f} ms", f"{median(ours) / median(theirs):.1f} × its time", ours)
