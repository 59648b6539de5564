"""The report: rows to Markdown. What people added below the marker by hand is kept."""

import os
import time

MARK = "<!-- what limits the rest: written by hand below this line, kept by make bench -->"


def write(path, run, machine):
    kept = ""
    if os.path.exists(path):
        with open(path) as f:
            kept = f.read().partition(MARK)[2]
    met = [r for r in run.rows if r["met"]]
    missed = [r for r in run.rows if r["met"] is False]
    lines = [
        "# Benchmarks",
        "",
        f"Measured by `make bench` on {time.strftime('%Y-%m-%d', time.gmtime())}: {machine}. Load generator, peers and Holt share the same cores.",
        "Every peer was measured in the same run, in turns; read the ratios before the figures. nginx serves the very bytes Holt sends, as static files;",
        f"Otterwiki {run.otter.version} runs under gunicorn with its form tokens off.",
        "",
        "| what | Holt | goal | met | peer | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for r in run.rows:
        mark = {True: "yes", False: "**no**", None: ""}[r["met"]]
        lines.append("| " + " | ".join([r["what"], r["figure"], r["goal"], mark, r["peer"], r["ratio"]]) + " |")
    lines += ["", f"{len(met)} of {len(met) + len(missed)} goals are met."]
    if run.failed:
        lines += ["", "Could not be measured:", ""] + [f"- {line}" for line in run.failed]
    lines += [""] + run.notes if run.notes else []
    lines += [
        "",
        "How: medians over rounds; latency of pages by wrk (one thread); saves through the web form on one kept-alive connection, answered only when durable;",
        "the disk's fsync p50 is a new 4 KB file, written and synced between the saves; the three sizes of wiki take turns.",
        "Corpora are made by `bench/corpus.py`, the same on every machine.",
        "",
        MARK,
    ]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write("\n".join(lines) + (kept or "\n"))
