"""Runs inside Otterwiki's environment: renders the pages in a JSON list and prints MB/s."""

import json
import sys
import time

from otterwiki.renderer import render
from otterwiki.server import app

with open(sys.argv[1], encoding="utf-8") as f:
    pages = json.load(f)
with app.test_request_context("/"):
    render.markdown("```rust\nx\n```\n")
    started = time.perf_counter()
    for page in pages:
        render.markdown(page)
    seconds = time.perf_counter() - started
print(sum(len(page.encode()) for page in pages) / 1e6 / seconds)
