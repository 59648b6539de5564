"""What an agent has to read until it knows something: twenty questions to a wiki of a thousand pages, answered by reading whole pages and by the
tools that read passages, sections and changes. Counts, not times, over MCP and HTTP; an answer counts only if it is contained in what was read."""

import json
import os
import random
import shutil

import corpus
import machine

SERVICES = 330
KINDS = ["Service", "Runbook", "Decision"]
SECTIONS = ["Overview", "Ownership", "Network", "Deployment", "Backups", "Monitoring", "Incidents", "Notes"]
MODERN = "2026-07-28"


def facts(number):
    """What the page of a service says, each in one sentence of one section."""
    rng = random.Random(number)
    return {
        "Ownership": f"The team {corpus.WORDS[500 + number]} answers for it.",
        "Network": f"It listens on port {20_000 + number * 7}.",
        "Backups": f"Copies are kept for {30 + rng.randrange(300)} days and {number} hours.",
        "Incidents": f"The outage of ticket INC-{4_000 + number} was caused by {corpus.WORDS[900 + number]}.",
    }


def pages():
    """Paths and texts of about 8 KB in eight sections, the same every time."""
    for number in range(SERVICES):
        said = facts(number)
        for kind in KINDS:
            rng = random.Random(f"{kind} {number}")
            name = f"{kind} {number:03d}"
            parts = [f"---\ntags: [{kind.lower()}, tier{number % 4}]\n---\n# {name}", corpus.paragraph(rng)]
            for section in SECTIONS:
                body = [corpus.paragraph(rng) for _ in range(3)]
                if kind == "Service" and section in said:
                    body.insert(1, said[section])
                parts += [f"## {section}", *body]
            yield f"{kind}s/{name}", "\n\n".join(parts) + "\n"
    for number in range(10):
        yield f"Notes/Note {number}", f"# Note {number}\n\n{corpus.paragraph(random.Random(number))}\n"


class Agent:
    """One who calls tools and counts what comes back."""

    def __init__(self, client, token):
        self.client, self.token = client, token
        self.read, self.calls, self.seen = 0, 0, []

    def call(self, tool, **arguments):
        info = {"protocolVersion": MODERN, "clientCapabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        meta = {f"io.modelcontextprotocol/{name}": value for name, value in info.items()}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments, "_meta": meta}}
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                   "MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": tool}
        response, body = self.client.send("POST", "/mcp", json.dumps(message).encode(), headers)
        if response.status != 200:
            raise RuntimeError(f"{tool} answered {response.status}: {body[:300]!r}")
        result = json.loads(body)["result"]
        if result.get("isError"):
            raise RuntimeError(f"{tool} refused: {result['content'][0]['text']}")
        text = "\n".join(block.get("text", "") or block.get("uri", "") for block in result["content"])
        self.read += len(text.encode())
        self.calls += 1
        self.seen.append(text)
        return result["structuredContent"]

    def knows(self, answer):
        return any(answer in text for text in self.seen)


def questions(revisions):
    """What is asked: how it is searched for, the page, its section, and the words that answer it."""
    rng = random.Random(11)
    asked = []
    for section, words in [("Network", "port"), ("Ownership", "team answers"), ("Backups", "copies kept days"), ("Incidents", "outage caused")]:
        for number in rng.sample(range(SERVICES), 4):
            asked.append(("fact", f"{words} Service {number:03d}", f"Services/Service {number:03d}", section, facts(number)[section]))
    for path, (revision, answer) in revisions.items():
        asked.append(("change", path, path, revision, answer))
    return asked


def whole(agent, question):
    """As without passages and sections: the best pages are read as a whole until one has the answer; a page that was read is read again."""
    kind, query, path, _, answer = question
    if kind == "change":
        agent.call("read_note", path=path)
        return
    for hit in agent.call("search_notes", query=query, limit=5)["results"]:
        agent.call("read_note", path=hit["path"])
        if agent.knows(answer):
            return


def tools(agent, question):
    """Searches, looks whether a passage says it, else at the sections, else at the section that is called right; asks what changed."""
    kind, query, path, hint, answer = question
    if kind == "change":
        agent.call("read_note", path=path, since_revision=hint)
        return
    for hit in agent.call("search_notes", query=query, limit=5)["results"]:
        if agent.knows(answer):
            return
        sections = [one["section"] for one in agent.call("list_sections", path=hit["path"])["sections"]]
        wanted = next((one for one in sections if one.endswith(hint)), None)
        if wanted:
            agent.call("read_note", path=hit["path"], section=wanted)


def prepare(run):
    """The wiki, by one push of ours into a new repository, and a token."""
    work = os.path.join(run.work, "agents")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    tree = os.path.join(work, "tree")
    for path, text in pages():
        file = os.path.join(tree, f"{path}.md")
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w") as f:
            f.write(text)
    env = run.holt.env | {"HOLT_DATA": os.path.join(work, "data")}
    machine.run([run.holt.binary, "import", "folder", tree, "--slug", "agents"], env=env, timeout=900)
    said = machine.run([run.holt.binary, "token", "create", "--wiki", "agents", "--scope", "write", "--name", "bench", "--json"], env=env)
    return env, json.loads(said)["token"]


def measure(run):
    env, token = prepare(run)
    port = machine.free_port()
    arguments = ["serve", "--listen", f"127.0.0.1:{port}", "--default-wiki", "agents", "--rate-limit", "off", "--log", "error"]
    process = machine.start([run.holt.binary, *arguments], run.holt.log, env)
    machine.first_answer(port, "/Notes/Note%200", process)
    client = machine.Client(port)
    writer = Agent(client, token)
    revisions = {}
    for number in (3, 77, 150, 299):
        path = f"Services/Service {number:03d}"
        before = writer.call("read_note", path=path)["revision"]
        answer = f"Since today it is watched by {corpus.WORDS[1_500 + number]}."
        writer.call("append_to_note", path=path, section="Monitoring", text=answer)
        revisions[path] = (before, answer)
    asked = questions(revisions)
    if len(asked) != 20:
        raise RuntimeError(f"{len(asked)} questions")
    listed = writer.call("list_notes", limit=1)["total"]
    sums = {}
    for way in (whole, tools):
        agents = []
        for question in asked:
            agent = Agent(client, token)
            way(agent, question)
            if not agent.knows(question[-1]):
                raise RuntimeError(f"{way.__name__} does not answer {question}")
            run.say(f"  {way.__name__}: {question[1]}: {agent.read:,} bytes in {agent.calls} calls")
            agents.append(agent)
        sums[way.__name__] = (sum(agent.read for agent in agents), sum(agent.calls for agent in agents), [agent.read for agent in agents])
    told = {name: f"{read:,} bytes, about {read // 4:,} tokens, {calls} calls" for name, (read, calls, _) in sums.items()}
    ratio = sums["whole"][0] / sums["tools"][0]
    run.row(f"20 questions of an agent, {listed:,} pages: read until answered", told["tools"], "", None,
            f"whole pages: {told['whole']}", f"{ratio:.1f} × less", sums["tools"][2] + sums["whole"][2])
