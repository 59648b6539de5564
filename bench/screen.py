"""The figures of the screen: what people wait for, by a real Chromium (bench/screen.mjs) and by the requests that pages make themselves."""

import json
import os
import random
import shutil
import time
from urllib.parse import quote

import corpus
import machine
from machine import median, percentile

HERE = os.path.dirname(os.path.abspath(__file__))
LONG = "/bench/screen"
SIZE = 50_000


def text():
    """50 KB as people write it."""
    return "# A page of 50 KB\n\n" + "\n".join(corpus.page(random.Random(i), f"Part {i}", ["home"]) for i in range(40))[:SIZE] + "\n"


def browser():
    """Why there is no browser, or nothing."""
    if not shutil.which("node"):
        return "Node.js is not installed"
    if not os.path.isdir(os.path.join(HERE, "..", "e2e", "node_modules", "playwright-core")):
        return "e2e/node_modules is missing (`make e2e` fetches it)"
    if not os.environ.get("HOLT_CHROMIUM") and not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        return "Chromium is not installed"
    return None


def measure(run):
    process, port = run.holt_up()
    client = run.holt.client("large", port)
    fields, action = run.holt.editor(client, LONG[1:])
    run.holt.save(client, fields, action, text())
    machine.first_answer(port, LONG, process, host=client.host)
    requests(run, client)
    why = browser()
    if why:
        run.notes.append(f"{why}: no rows of the browser.")
        return
    wanted = {"base": f"http://{client.host}", "long": LONG, "page": "/bench/page", "next": "/bench/manyrev", "edit": f"{LONG}/edit", "cookies": client.cookies,
              "runs": run.o.screens}
    out = machine.run(["node", os.path.join(HERE, "screen.mjs"), json.dumps(wanted)], timeout=60 + 30 * run.o.screens)
    rows(run, json.loads(out))


def requests(run, client):
    """Asked without a browser, to see what of it is the server's."""
    pages = f"{run.sizes['large'][0]:,} pages"
    fields, _ = run.holt.editor(client, LONG[1:])
    page, times = text(), []
    for n in range(run.o.searches):
        t = time.perf_counter()
        response, _ = client.request("POST", f"{LONG}/preview", {"csrf_token": fields["csrf_token"], "content": f"{page}\n{n}\n", "cursor_line": "5"})
        times.append((time.perf_counter() - t) * 1000)
        if response.status != 200:
            raise RuntimeError(f"preview answered {response.status}")
    run.row("preview of 50 KB, the server's part", f"p50 {median(times):.1f} ms, p95 {percentile(times, 95):.1f} ms", "< 100 ms", median(times) < 100, raw=times)
    times, found = [], 0
    for n in range(run.o.searches):
        word = corpus.WORDS[n * 7]
        # As it is typed, letter by letter, and once with a slip.
        for typed in [word[: i + 1] for i in range(len(word))] + [word[:1] + word[2:] + word[1:2]]:
            t = time.perf_counter()
            response, body = client.request("GET", f"/-/complete?kind=pages&q={quote(typed)}")
            times.append((time.perf_counter() - t) * 1000)
            if response.status != 200:
                raise RuntimeError(f"complete answered {response.status}")
            found += len(json.loads(body)["items"])
    if not found:
        raise RuntimeError("nothing was completed")
    run.row(f"`/-/complete`, letter by letter, {pages}", f"p50 {median(times):.1f} ms, p95 {percentile(times, 95):.1f} ms", "p95 ≤ 50 ms", percentile(times, 95) <= 50, raw=times)


def rows(run, seen):
    pages = f"{run.sizes['large'][0]:,} pages"
    run.notes.append(f"Figures of the screen: medians of {len(seen['paint'])} runs in Chromium {seen['browser']}, headless, without a cache but where it says so.")
    paint = median(seen["paint"])
    bare, empty = median(seen["bare"]), median(seen["empty"])
    run.row("50 KB page: first contentful paint", f"{paint:.0f} ms", "≤ 100 ms", paint <= 100, f"Chromium, the same text bare {bare:.0f} ms, an empty page {empty:.0f} ms", f"{paint / bare:.2f} ×", seen["paint"])
    shift, moved = max(seen["shift"]), max(seen["editorShift"])
    run.row("cumulative layout shift, the worst of all views", f"{shift:.3f} reading, {moved:.3f} in the editor", "0", max(shift, moved) < 0.001, raw=seen["shift"] + seen["editorShift"])
    loaded, ran = sum(s["bytes"] for s in seen["scripts"]), sum(s["ran"] for s in seen["scripts"])
    run.row("script a reader's browser runs before anything is done", f"{ran / 1000:.1f} KB of {loaded / 1000:.1f} KB", raw=seen["scripts"])
    for name, what in (("first", "first view"), ("warm", "next page, warm cache")):
        total = median([sum(kinds.values()) for kinds in seen[name]])
        parts = ", ".join(f"{kind.lower()} {median([kinds.get(kind, 0) for kinds in seen[name]]) / 1000:.1f}" for kind in sorted({k for kinds in seen[name] for k in kinds}))
        run.row(f"bytes on the wire, {what}, {pages}", f"{total / 1000:.1f} KB ({parts})", "≤ 30 KB", total <= 30_000, raw=seen[name])
    cold, again = median(seen["editor"]), median(seen["editorAgain"])
    run.row("50 KB page: from the click on Edit until it can be typed in, first time in this browser", f"{cold:.0f} ms; {again:.0f} ms the second time", "≤ 300 ms", cold <= 300, raw=seen["editor"])
    follows = median(seen["follows"])
    run.row("50 KB page: from a keystroke until the preview beside shows it", f"{follows:.0f} ms", "< 100 ms", follows < 100, raw=seen["follows"])
    shown = median(seen["preview"])
    run.row("50 KB page: preview alone, asked for until shown", f"{shown:.0f} ms", "< 100 ms", shown < 100, raw=seen["preview"])
