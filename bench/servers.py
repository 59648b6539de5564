"""The servers under measurement: how each is prepared, started and saved to. Knows flags and forms, measures nothing."""

import json
import os
import shutil
import sys
import time

import machine

EMAIL, PASSWORD = "bench@example.org", "a long enough passphrase"


class Holt:
    """One data directory with the wikis small, medium, large and many more."""

    name = "Holt"

    def __init__(self, binary, work):
        self.binary, self.work = binary, work
        self.data = os.path.join(work, "data")
        self.log = os.path.join(work, "holt.log")
        self.sessions = {}
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HOLT_")} | {"HOLT_DATA": self.data, "HOLT_RATE_LIMIT": "off"}

    def command(self, *args, **options):
        return machine.run([self.binary, *args], env=self.env, **options)

    def prepare(self, repositories, wikis, say):
        """Imports the repositories and makes empty wikis up to `wikis` in all; seconds per import."""
        shutil.rmtree(self.data, ignore_errors=True)
        seconds = {}
        for slug, repository in repositories.items():
            t = time.monotonic()
            self.command("import", "git", repository, "--slug", slug, timeout=900)
            seconds[slug] = time.monotonic() - t
            say(f"imported {slug} in {seconds[slug]:.1f} s")
        self.command("user", "add", EMAIL, "--name", "Bench", "--admin", "--password-stdin", input=PASSWORD + "\n")
        for i in range(wikis - len(repositories)):
            self.command("wiki", "create", f"wiki-{i:05d}")
        say(f"{wikis} wikis in the data directory")
        return seconds

    def start(self, port):
        return machine.start([self.binary, "serve", "--listen", f"127.0.0.1:{port}", "--default-wiki", "medium", "--log", "error"], self.log, self.env)

    @staticmethod
    def host(slug, port):
        return f"{slug}.localhost:{port}"

    def client(self, slug, port):
        """A logged-in browser of wiki `slug`; the session outlives the server."""
        client = machine.Client(port, self.host(slug, port))
        if slug in self.sessions:
            client.cookies = dict(self.sessions[slug])
            return client
        fields, action = client.form("/-/login", "password")
        response, _ = client.request("POST", action, {**fields, "email": EMAIL, "password": PASSWORD})
        if response.status not in (302, 303):
            raise RuntimeError(f"log-in to {slug} answered {response.status}")
        self.sessions[slug] = dict(client.cookies)
        return client

    @staticmethod
    def editor(client, page):
        """What the editor of `page` would send back, and where."""
        return client.form(f"/{page}/edit", "content")

    @staticmethod
    def save(client, fields, action, text):
        """Sends the form with another text. The answer, and how long it took, in ms."""
        t = time.perf_counter()
        response, body = client.request("POST", action, {**fields, "content": text, "commit": "bench"})
        ms = (time.perf_counter() - t) * 1000
        if response.status not in (302, 303):
            raise RuntimeError(f"save answered {response.status}: {body[:200]!r}")
        return ms


class Nginx:
    """The same bytes as static files, plain and packed, sent with sendfile by two workers."""

    name = "nginx"

    def __init__(self, work):
        self.work = os.path.join(work, "nginx")
        self.root = os.path.join(self.work, "root")
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.root)

    def put(self, path, plain, packed):
        file = os.path.join(self.root, path.lstrip("/"))
        os.makedirs(os.path.dirname(file), exist_ok=True)
        for name, content in ((file, plain), (file + ".gz", packed)):
            with open(name, "wb") as f:
                f.write(content)

    def start(self, port):
        w = self.work
        paths = " ".join(f"{kind}_temp_path {w}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        # As root nginx would drop to a user who may not enter the work directory.
        user = "user root;" if os.geteuid() == 0 else ""
        with open(f"{w}/conf", "w") as f:
            f.write(f"""{user} worker_processes {os.cpu_count()}; daemon off; pid {w}/pid; error_log {w}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; default_type "text/html; charset=utf-8"; sendfile on; tcp_nopush on; open_file_cache max=1000; keepalive_requests 100000000;
  gzip_static on; gzip_vary on; etag on; {paths} server {{ listen 127.0.0.1:{port}; root {self.root}; }} }}""")
        return machine.start(["nginx", "-e", f"{w}/error.log", "-c", f"{w}/conf"], f"{w}/log")


class Otterwiki:
    """Otterwiki 2.26.1 under gunicorn with one worker per core, everybody may write, no form tokens: its best case."""

    name = "Otterwiki"
    version = "2.26.1"

    def __init__(self, work):
        self.work = os.path.join(work, "otterwiki")
        self.venv = os.path.join(work, "venv")
        os.makedirs(self.work, exist_ok=True)

    def prepare(self):
        """Installs it once. Raises where that is not possible."""
        if not os.path.exists(os.path.join(self.venv, "bin", "gunicorn")):
            shutil.rmtree(self.venv, ignore_errors=True)
            machine.run([sys.executable, "-m", "venv", self.venv], timeout=120)
            machine.run([os.path.join(self.venv, "bin", "pip"), "install", "-q", f"otterwiki=={self.version}", "gunicorn"], timeout=600)

    def start(self, repository, port, workers=1):
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
            "REPOSITORY": repository, "SECRET_KEY": "0123456789abcdef0123456789abcdef", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{repository}.db",
            "READ_ACCESS": "ANONYMOUS", "WRITE_ACCESS": "ANONYMOUS", "ATTACHMENT_ACCESS": "ANONYMOUS", "LOG_LEVEL": "WARNING", "WTF_CSRF_ENABLED": "false",
        }
        gunicorn = os.path.join(self.venv, "bin", "gunicorn")
        return machine.start([gunicorn, "-w", str(workers), "-t", "120", "-b", f"127.0.0.1:{port}", "--log-level", "warning", "otterwiki.server:app"],
                             os.path.join(self.work, "log"), env)

    def render_speed(self, pages):
        """MB/s of its renderer alone."""
        repository = os.path.join(self.work, "render")
        if not os.path.exists(repository):
            machine.run(["git", "init", "-q", repository])
        corpus = os.path.join(self.work, "pages.json")
        with open(corpus, "w", encoding="utf-8") as f:
            json.dump(pages, f)
        env = dict(os.environ) | {"REPOSITORY": repository, "SECRET_KEY": "0123456789abcdef0123456789abcdef", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{repository}.db"}
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer_render.py")
        return float(machine.run([os.path.join(self.venv, "bin", "python"), script, corpus], env=env, timeout=300).split()[-1])

    @staticmethod
    def save(client, page, text):
        t = time.perf_counter()
        response, _ = client.request("POST", f"/{page}/save", {"content": text, "commit": "bench", "cursor_line": "0", "cursor_ch": "0"})
        ms = (time.perf_counter() - t) * 1000
        if response.status not in (302, 303):
            raise RuntimeError(f"save answered {response.status}")
        return ms
