#!/usr/bin/env python3
"""What starts cost: of the server, of the Python package, of workers, of the server as a function of AWS Lambda, beside Otterwiki's in the same run and
beside what the seeds report of other fleets. Figures are medians of rounds in which all take turns. Standard library; Otterwiki comes from PyPI; loopback only.

    python3 bench/startup.py --bin target/release/holt --module target/release/lib_holt.so [--write]
"""

import argparse
import http.server
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from urllib.parse import urlencode

import machine
import servers

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADING = "## Seeds beside Holt"
BEGAN = time.monotonic()
# What a process says of itself after a statement: milliseconds, KiB that are its own, modules.
PROBE = """
import sys, time
began = time.perf_counter()
{statement}
ms = (time.perf_counter() - began) * 1000
own = sum(int(line.split()[1]) for line in open('/proc/self/smaps_rollup') if line.startswith('Private_'))
print(ms, own, len(sys.modules), flush=True)
{then}
"""


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", file=sys.stderr, flush=True)


def private_mib(pid):
    """Memory that is this process's alone, and its share of what it has with others."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        kib = {line.split(":")[0]: int(line.split()[1]) for line in f if line.split()[-1] == "kB"}
    return (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024, kib["Pss"] / 1024


class Function:
    """`holt serve` as a function, and the runtime API it asks. One event at a time."""

    def __init__(self, binary, env, log, host):
        self.events, self.answers, self.host, self.cookies, self.number = queue.Queue(), queue.Queue(), host, {}, 0
        outer = self

        class Api(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An answer goes in one piece, at once: else the kernel waits 40 ms between its two.
            wbufsize, disable_nagle_algorithm = 1 << 16, True

            def do_GET(self):
                number, event = outer.events.get()
                data = json.dumps(event).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", f"id-{number}")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.answers.put((self.path, body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.api.daemon_threads = True
        # Processes are killed here.
        self.api.handle_error = lambda *_: None
        threading.Thread(target=self.api.serve_forever, daemon=True).start()
        self.env = {**env, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_port}", "HOLT_DOMAIN": host, "HOLT_LOG": "error"}
        self.binary, self.log = binary, log

    def start(self):
        # What the last process asked for still waits, and would take the next event.
        self.events = queue.Queue()
        self.process = machine.start([self.binary, "serve", "--default-wiki", "small"], self.log, self.env)

    def ask(self, method, path, form=None):
        self.number += 1
        headers = {"host": self.host, "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if form is not None:
            headers |= {"content-type": "application/x-www-form-urlencoded", "origin": f"https://{self.host}"}
        path, _, query = path.partition("?")
        event = {"version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "body": urlencode(form or {}), "isBase64Encoded": False,
                 "requestContext": {"http": {"method": method, "sourceIp": "192.0.2.1"}}}
        self.events.put((self.number, event))
        path, answer = self.answers.get(timeout=30)
        if not path.endswith("/response"):
            raise RuntimeError(f"the function says {path}: {answer}")
        for cookie in answer["cookies"]:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def form(self, path, having):
        found = [form for form in machine.Forms(self.ask("GET", path)["body"]).forms if having in form["fields"]]
        return found[0]["fields"], found[0]["action"] or path

    def kill(self):
        self.process.kill()
        machine.stop(self.process)


class Bench:
    def __init__(self, options, work):
        self.o, self.work, self.rows = options, work, []
        # Installed once, where bench/run.py has it.
        self.otterwiki = servers.Otterwiki(os.path.join(ROOT, "bench", "work"))
        self.otterwiki.prepare()
        self.python = os.path.join(self.otterwiki.venv, "bin", "python")
        self.module = os.path.join(work, "module")
        os.makedirs(os.path.join(self.module, "holt"))
        shutil.copy(os.path.join(ROOT, "python", "holt", "__init__.py"), os.path.join(self.module, "holt"))
        shutil.copy(options.module, os.path.join(self.module, "holt", "_holt.abi3.so"))
        self.repository = os.path.join(work, "repository")
        machine.run(["git", "init", "-q", self.repository])
        with open(os.path.join(self.repository, "home.md"), "w") as f:
            f.write("# Home\n")
        machine.run(["git", "-C", self.repository, "add", "."])
        machine.run(["git", "-C", self.repository, "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "Begin"])
        base = {k: v for k, v in os.environ.items() if not k.startswith(("HOLT_", "AWS_"))}
        self.env = base | {"HOLT_RATE_LIMIT": "off"}
        self.peer_env = base | {"REPOSITORY": self.repository, "SECRET_KEY": "0123456789abcdef0123456789abcdef", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{work}/otterwiki.db"}
        self.data = {}

    def row(self, what, holt, peer="", ratio="", goal="", seed=""):
        self.rows.append((what, holt, peer, ratio, goal, seed))
        say(f"{what}: {holt} | {peer} | {ratio} | goal {goal}")

    def prepare(self):
        for count in (10, self.o.wikis):
            data = os.path.join(self.work, f"data-{count}")
            env = self.env | {"HOLT_DATA": data}
            machine.run([self.o.bin, "import", "git", self.repository, "--slug", "small"], env=env)
            machine.run([self.o.bin, "user", "add", servers.EMAIL, "--name", "Bench", "--admin", "--password-stdin"], env=env, input=servers.PASSWORD + "\n")
            for number in range(count - 1):
                machine.run([self.o.bin, "wiki", "create", f"wiki-{number:05d}"], env=env)
            self.data[count] = env
            # Workers look at what is new once; here they have.
            port = machine.free_port()
            process = machine.start([self.o.bin, "serve", "--listen", f"127.0.0.1:{port}", "--default-wiki", "small", "--log", "error"], self.log(), env)
            machine.first_answer(port, "/", process)
            quiet(process.pid)
            machine.stop(process, 30)
            say(f"{count} wikis are prepared")

    def log(self):
        return os.path.join(self.work, "log")

    def imports(self):
        """Milliseconds, KiB and modules of a statement in a fresh interpreter."""
        statements = {
            "import holt": (self.env | {"PYTHONPATH": self.module}, "import holt"),
            "first render": (self.env | {"PYTHONPATH": self.module}, "import holt; holt.render('# Hi')"),
            "otterwiki": (self.peer_env, "import otterwiki.server"),
            "otterwiki render": (self.peer_env, "import otterwiki.server; otterwiki.server.app_renderer.markdown('# Hi')"),
        }
        found = {name: [] for name in statements}
        for _ in range(self.o.rounds):
            for name, (env, statement) in statements.items():
                text = machine.run([self.python, "-c", PROBE.format(statement=statement, then="")], env=env, timeout=120)
                found[name].append([float(word) for word in text.split()[-3:]])
        median = {name: [machine.median(column) for column in zip(*rows)] for name, rows in found.items()}
        for what, ours, theirs, goal, seed in [
            ("Python: the import", "import holt", "otterwiki", "≤ 10 ms", "000: 4.4 s on Lambda; 003: 2.2 s, after much work 0.93 s"),
            ("Python: import and render a page", "first render", "otterwiki render", "", ""),
        ]:
            (ms, kib, modules), (peer, peer_kib, peer_modules) = median[ours], median[theirs]
            self.row(what, f"{ms:.2f} ms, {modules:.0f} modules in all", f"{peer:,.0f} ms, {peer_modules:.0f} modules", f"{peer / ms:,.0f} × faster", goal, seed)
            self.row(what + ": memory of the process's own", f"{kib / 1024:.1f} MiB", f"{peer_kib / 1024:.1f} MiB", f"{peer_kib / kib:.1f} × less", "", "004: 86 MB" if ours == "import holt" else "")

    def starts(self):
        many = self.o.wikis
        times = {"help": [], 10: [], many: [], "page 10": [], f"page {many}": [], "otterwiki": []}
        memory = {10: [], many: [], "otterwiki": []}
        for _ in range(self.o.rounds):
            began = time.monotonic()
            machine.run([self.o.bin, "--help"], env=self.env)
            times["help"].append(time.monotonic() - began)
            for count, env in self.data.items():
                port = machine.free_port()
                began = time.monotonic()
                process = subprocess.Popen([self.o.bin, "serve", "--listen", f"127.0.0.1:{port}", "--default-wiki", "small", "--log", "error"],
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, start_new_session=True)
                process.stdout.readline()
                times[count].append(time.monotonic() - began)
                times[f"page {count}"].append(machine.first_answer(port, "/", process) - began)
                quiet(process.pid)
                memory[count].append(machine.rss_mib(process.pid))
                process.terminate()
                process.wait(30)
            port = machine.free_port()
            began = time.monotonic()
            process = self.otterwiki.start(self.repository, port)
            times["otterwiki"].append(machine.first_answer(port, "/", process) - began)
            memory["otterwiki"].append(machine.rss_mib(process.pid))
            machine.stop(process)
        ms = {name: machine.median(values) * 1000 for name, values in times.items()}
        mib = {name: machine.median(values) for name, values in memory.items()}
        peer = ms["otterwiki"]
        self.row("`holt --help`, exec to exit", f"{ms['help']:.1f} ms")
        for count in (10, many):
            self.row(f"exec → ready (it says that it listens), {count:,} wikis", f"{ms[count]:.1f} ms", "", "", "≤ 10 ms")
            self.row(f"exec → first page, {count:,} wikis", f"{ms[f'page {count}']:.1f} ms", f"one wiki {peer:,.0f} ms", f"{peer / ms[f'page {count}']:,.0f} × faster", "",
                     "000: 2.6 s to 3.0 s was hoped for" if count == 10 else "")
            self.row(f"memory, idle, all workers inside, {count:,} wikis", f"{mib[count]:.1f} MiB", f"one wiki, one worker {mib['otterwiki']:.0f} MiB", f"{mib['otterwiki'] / mib[count]:.1f} × less", "≤ 40 MB", "")

    def workers(self):
        """Each worker in a process of its own, ten at most, and what is theirs alone."""
        names = re.findall(r"^\s+- ([a-z]+):", machine.run([self.o.bin, "worker", "--help"], env=self.env).split("Options:")[0], re.M)
        env, count = self.data[10] | {"HOLT_LOG": "error"}, min(10, len(names))
        ours = [machine.start([self.o.bin, "worker", names[n]], self.log(), env) for n in range(count)]
        theirs = []
        for _ in range(count):
            # One after the other: they write to the repository's settings.
            theirs.append(subprocess.Popen([self.python, "-c", PROBE.format(statement="import otterwiki.server", then="sys.stdin.read()")], env=self.peer_env,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            while not theirs[-1].stdout.readline()[:1].isdigit():
                pass
        for process in ours:
            quiet(process.pid)
        sums = [[sum(column) for column in zip(*(private_mib(process.pid) for process in group))] for group in (ours, theirs)]
        for process in theirs:
            process.stdin.close()
            process.wait(10)
        for process in ours:
            machine.stop(process)
        (own, share), (peer_own, peer_share) = sums
        self.row(f"{count} workers, each a process of its own: memory that is theirs alone, sum", f"{own:.1f} MiB", f"{count} that imported it {peer_own:,.0f} MiB", f"{peer_own / own:.1f} × less",
                 "ten ≤ 60 MB", "004: 18 × 86 MB = 1.5 GB")
        self.row("the same, with their share of what they have in common", f"{share:.1f} MiB", f"{peer_share:,.0f} MiB", f"{peer_share / share:.1f} × less")

    def function(self):
        """As a function of Lambda: exec to the first save, beside the ordinary server; then events one after the other."""
        env = self.data[10]
        function = Function(self.o.bin, env, self.log(), "small.example.org")
        function.start()
        fields, action = function.form("/-/login", "password")
        answer = function.ask("POST", action, {**fields, "email": servers.EMAIL, "password": servers.PASSWORD})
        if answer["statusCode"] not in (302, 303):
            raise RuntimeError(f"log-in answered {answer['statusCode']}")
        cold, warm, pages, live = [], [], [], []

        def save(client_form, send):
            fields, action = client_form("/Bench/edit", "content")
            return lambda text: send(action, {**fields, "content": text, "commit": "bench"})

        def sent(action, form):
            answer = function.ask("POST", action, form)
            if answer["statusCode"] not in (302, 303):
                raise RuntimeError(f"save answered {answer['statusCode']}: {answer['body'][:300]}")

        for number in range(self.o.rounds):
            ready = save(function.form, sent)
            function.kill()
            began = time.monotonic()
            function.start()
            ready(f"cold {number}\n")
            cold.append(time.monotonic() - began)
            for path, times in (("/Bench", pages), ("/-/changelog", live)):
                cookies, function.cookies = function.cookies, {} if path == "/Bench" else function.cookies
                for _ in range(5):
                    began = time.monotonic()
                    function.ask("GET", path)
                    times.append(time.monotonic() - began)
                function.cookies = cookies
            ready = save(function.form, sent)
            began = time.monotonic()
            ready(f"warm {number}\n")
            warm.append(time.monotonic() - began)
        function.kill()
        holt = servers.Holt.__new__(servers.Holt)
        holt.binary, holt.sessions, holt.log, holt.env = self.o.bin, {}, self.log(), env
        port = machine.free_port()
        served = []
        command = [self.o.bin, "serve", "--listen", f"127.0.0.1:{port}", "--default-wiki", "small", "--log", "error"]
        process = machine.start(command, self.log(), env)
        machine.first_answer(port, "/", process)
        for number in range(self.o.rounds):
            client = holt.client("small", port)
            fields, action = client.form("/Bench/edit", "content")
            client.close()
            machine.stop(process, 30)
            began = time.monotonic()
            process = machine.start(command, self.log(), env)
            while True:
                try:
                    holt.save(client, fields, action, f"served {number}\n")
                    break
                except OSError:
                    client.close()
                    time.sleep(0.0003)
            served.append(time.monotonic() - began)
        machine.stop(process, 30)
        ms = [machine.median(values) * 1000 for values in (cold, served, warm, live, pages)]
        self.row("as a function of Lambda: exec → first acknowledged save", f"{ms[0]:.1f} ms; `holt serve` {ms[1]:.1f} ms", "", "", "DESIGN §5: ≤ 50 ms", "000: 800 ms and 1.8 s with all it proposes")
        self.row("the same, warm: a save; a live page; a published page", f"{ms[2]:.1f} ms; {ms[3]:.1f} ms; {ms[4]:.2f} ms")

    def table(self):
        day = time.strftime("%Y-%m-%d")
        lines = [
            HEADING, "",
            f"`python3 bench/startup.py --wikis {self.o.wikis} --rounds {self.o.rounds}` (by `make bench-startup`), on {day}: {machine.describe()}. Otterwiki {self.otterwiki.version} under",
            f"CPython {machine.run([self.python, '-V']).split()[-1]}, in the same run, in turns, medians of {self.o.rounds}. The last column is what the seeds report of their own fleets, on their own machines: 000 Otterwiki on Lambda, 003",
            "a Python package, 004 a fleet of 18 workers. The function is asked by a runtime API on this machine, with the data directory on its disk: neither Lambda nor EFS was tried.", "",
            "| what | Holt | Otterwiki | ratio | goal | seeds |", "|---|---|---|---|---|---|",
        ]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows]) + "\n"


def quiet(pid, seconds=60):
    """Waits until a process has used no time for half a second."""
    def used():
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[11:13]

    end, last, since = time.monotonic() + seconds, used(), time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < 0.5:
        time.sleep(0.05)
        now = used()
        if now != last:
            last, since = now, time.monotonic()


def write(table):
    path = os.path.join(ROOT, "docs", "benchmarks.md")
    with open(path) as f:
        text = f.read()
    before, found, after = text.partition(HEADING + "\n")
    rest = after.partition("\n## ")
    text = before + table + ("\n## " + rest[2] if found and rest[1] else "") if found else text.rstrip("\n") + "\n\n" + table
    with open(path, "w") as f:
        f.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--bin", required=True)
    p.add_argument("--module", required=True, help="what Cargo builds of holt-python")
    p.add_argument("--wikis", type=int, default=1000)
    p.add_argument("--rounds", type=int, default=11)
    p.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    o = p.parse_args()
    o.bin, o.module = os.path.abspath(o.bin), os.path.abspath(o.module)
    work, failed = tempfile.mkdtemp(prefix="holt-startup-"), []
    try:
        bench = Bench(o, work)
        bench.prepare()
        for measure in (bench.imports, bench.starts, bench.workers, bench.function):
            try:
                measure()
            except Exception as e:  # noqa: BLE001
                failed.append(f"{measure.__name__}: {type(e).__name__}: {e}"[:600])
                say(f"FAILED {failed[-1]}")
        table = bench.table()
        print(table)
        if o.write and not failed:
            write(table)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
