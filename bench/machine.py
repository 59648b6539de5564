"""Processes, HTTP, load and the disk of this machine. Standard library and Linux; loopback only. Knows nothing of wikis."""

import atexit
import html.parser
import http.client
import math
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import time
from urllib.parse import urlencode

_running = []


def _stop_all(*_):
    for process in list(_running):
        stop(process)


atexit.register(_stop_all)


def stop(process, wait=10):
    """Ends a process that `start` made, politely, then surely, with what it started."""
    if process in _running:
        _running.remove(process)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)  # its own session, made by start()
    except (ProcessLookupError, PermissionError):
        pass
    if process.poll() is None:
        process.wait(5)


def start(command, log, env=None):
    """A server in a session of its own, ended by `stop` or with this script."""
    with open(log, "ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True)
    _running.append(process)
    return process


def run(command, timeout=600, input=None, env=None, cwd=None):
    """Runs a command to its end; its standard output. Raises with its words."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=input, env=env, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {done.returncode}: {(done.stderr + done.stdout).strip()[-400:]}")
    return done.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def first_answer(port, path, process, host=None, timeout=60):
    """Asks until `path` answers 200, on new connections; the monotonic time of that answer."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before answering")
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
            c.request("GET", path, headers={"Host": host} if host else {})
            r = c.getresponse()
            r.read()
            last = r.status
            c.close()
            if last == 200:
                return time.monotonic()
        except (OSError, http.client.HTTPException) as e:
            last = e
        time.sleep(0.0003)
    raise RuntimeError(f"no 200 for {path} in {timeout} s (last: {last})")


class Client:
    """One kept-alive connection with cookies, as a browser has."""

    def __init__(self, port, host=None, timeout=120):
        self.port, self.host, self.timeout = port, host or f"127.0.0.1:{port}", timeout
        self.connection, self.cookies = None, {}

    def request(self, method, path, form=None, headers=None):
        body, h = None, dict(headers or {})
        if form is not None:
            body = urlencode(form).encode()
            h.update({"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"})
        return self.send(method, path, body, h)

    def send(self, method, path, body, headers):
        """A body as it is."""
        h = {"Host": self.host, **headers}
        if self.cookies:
            h["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        for last in (False, True):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
            try:
                self.connection.request(method, path, body=body, headers=h)
                response = self.connection.getresponse()
                data = response.read()
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if fresh or last:
                    raise
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.split(";", 1)[0].partition("=")
                self.cookies[key.strip()] = rest
        if response.will_close:
            self.close()
        return response, data

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def form(self, path, having):
        """The fields, as they stand, and the action of the form on `path` that has the field `having`."""
        response, data = self.request("GET", path)
        found = [f for f in Forms(data.decode("utf-8", "replace")).forms if having in f["fields"]]
        if not found:
            raise RuntimeError(f"no form with {having} on {path} ({response.status})")
        return found[0]["fields"], found[0]["action"] or path


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, and the fields a browser without scripts would send."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.forms, self.area = [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self.forms.append({"action": a.get("action"), "fields": {}})
        elif self.forms and a.get("name"):
            kind = a.get("type", "text")
            if tag == "input" and kind not in ("submit", "button", "file", "checkbox", "radio"):
                self.forms[-1]["fields"][a["name"]] = a.get("value") or ""
            elif tag == "textarea":
                self.area = a["name"]
                self.forms[-1]["fields"][self.area] = ""

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.area = None

    def handle_data(self, data):
        if self.area and self.forms:
            self.forms[-1]["fields"][self.area] += data


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, max(0, math.ceil(p / 100 * len(values)) - 1))]


def median(values):
    return statistics.median(values)


def wrk(port, path, connections, seconds, host=None, gzip=False):
    """Requests per second, p50 and p99 in ms, requests that failed."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    if host:
        command += ["-H", f"Host: {host}"]
    if gzip:
        command += ["-H", "Accept-Encoding: gzip"]
    text = run(command + [f"http://127.0.0.1:{port}{path}"], timeout=seconds + 60)

    def ms(label):
        value, unit = re.search(rf"{label}\s+([\d.]+)(us|ms|s|m)\b", text).groups()
        return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]

    bad = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    bad += sum(map(int, sockets.groups())) if sockets else 0
    return {"rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), "p50": ms("50%"), "p99": ms("99%"), "bad": bad,
            "requests": int(re.search(r"(\d+) requests in", text).group(1))}


def fsync_ms(folder, n=60):
    """What the disk takes to make one new file of 4 KB durable: write, fsync, in ms, n times."""
    times, block = [], os.urandom(4096)
    name = os.path.join(folder, f"fsync-{os.getpid()}")
    for _ in range(n):
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fd, block)
        t = time.perf_counter()
        os.fsync(fd)
        times.append((time.perf_counter() - t) * 1000)
        os.close(fd)
        os.unlink(name)
    return times


def rss_mib(pid):
    """Resident memory of a process and its descendants."""
    children, total = {}, 0
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                children.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
        except OSError:
            pass
    todo = [pid]
    while todo:
        one = todo.pop()
        todo += children.get(one, [])
        try:
            with open(f"/proc/{one}/statm") as f:
                total += int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            pass
    return total / 2**20


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def describe():
    """One line about this machine, without its name."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) / 2**20
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {platform.system()} {platform.release()}"
