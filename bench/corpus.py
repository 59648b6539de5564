"""Wikis to measure: the same sizes, words and commit ids on every machine. Knows text and git, nothing of servers."""

import os
import random
import shutil
import subprocess

EPOCH = 1704067200  # 2024-01-01T00:00:00Z
STEP = 97  # seconds between commits
AUTHORS = [("Ada Example", "ada@example.org"), ("Ben Example", "ben@example.org"), ("Cid Agent", "cid@agents.example.org")]

# pages, commits, of which to bench/manyrev
SIZES = {
    "small": (36, 72, 6),
    "medium": (1_000, 3_000, 200),
    "large": (10_000, 20_000, 5_000),
}
QUICK = {"small": (36, 72, 6), "medium": (120, 240, 20), "large": (400, 900, 100)}

SYLLABLES = "ba be bi bo bu da de di do du fa fe fo ga ge go ka ke ki ko la le li lo lu ma me mi mo mu na ne ni no nu pa pe po ra re ri ro ru sa se si so su ta te ti to tu va ve vi vo".split()
FUNCTION_WORDS = "the of and a to in is it that was for on are with as at be this have from or had by not but what all were when we there can an your which their if will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know".split()


def vocabulary(seed=7):
    rng = random.Random(seed)
    return ["".join(rng.choice(SYLLABLES) for _ in range(2 + rng.randrange(3))) for _ in range(4_000)]


WORDS = vocabulary()


def word(rng):
    """Half function words, half of ours, the early ones far more often (as in a language)."""
    if rng.random() < 0.5:
        return rng.choice(FUNCTION_WORDS)
    return WORDS[min(int(rng.paretovariate(0.6)) - 1, len(WORDS) - 1)]


def sentence(rng):
    text = " ".join(word(rng) for _ in range(6 + rng.randrange(12)))
    return text[0].upper() + text[1:] + "."


def paragraph(rng):
    return " ".join(sentence(rng) for _ in range(2 + rng.randrange(4)))


def page(rng, title, links):
    """About 3 KB as people write it: prose, a list, now and then a table or code, links at the end."""
    parts = [f"# {title}", paragraph(rng)]
    for _ in range(2 + rng.randrange(3)):
        parts += [f"## {word(rng).title()} {word(rng)}", paragraph(rng), paragraph(rng)]
        kind = rng.randrange(4)
        if kind == 0:
            parts.append("\n".join(f"- **{word(rng)}**: {sentence(rng)}" for _ in range(4)))
        elif kind == 1:
            rows = "\n".join(f"| {word(rng)} | {word(rng)} | {rng.randrange(1000)} |" for _ in range(5))
            parts.append(f"| one | two | n |\n|---|---|---|\n{rows}")
        elif kind == 2:
            parts.append(f"```\n{word(rng)} --{word(rng)} {rng.randrange(100)}\n{word(rng)} = \"{word(rng)}\"\n```")
    parts.append("\n".join(f"- [[{link}]]" for link in links))
    return "\n\n".join(parts) + "\n"


def prose(size, seed=11):
    rng, parts, length = random.Random(seed), [], 0
    while length < size:
        parts.append(paragraph(rng))
        length += len(parts[-1]) + 2
    return "\n\n".join(parts)[:size] + "\n"


def pages(count, seed):
    """Names (without .md) and first texts. The fixed ones come first; the measurements name them."""
    rng = random.Random(seed)
    areas = [f"area {i:02d}" for i in range(max(2, count // 100))]
    names = [f"{areas[rng.randrange(len(areas))]}/{WORDS[rng.randrange(len(WORDS))]} {i:05d}" for i in range(count - 5)]
    fixed = {
        "home": "# Home\n\nA wiki for measurements.\n\n" + "".join(f"- [[{n}]]\n" for n in names[:12]),
        # The same bytes in every size, so that sizes can be compared.
        "bench/page": page(random.Random(1), "A page", ["home", "bench/large"]),
        "bench/large": "# A large page\n\n" + "\n".join(page(random.Random(i), f"Part {i}", ["home"]) for i in range(60))[:100_000] + "\n",
        "bench/manyrev": page(random.Random(2), "Many revisions", ["home"]),
        "bench/edit": page(random.Random(3), "To be edited", ["home"]),
    }
    texts = dict(fixed)
    for i, name in enumerate(names):
        links = [names[rng.randrange(len(names))] for _ in range(3)]
        texts[name] = page(rng, f"{name.rsplit('/', 1)[1].title()}", links)
    return texts


def history(texts, commits, many, seed):
    """(name, text, message) of every commit: each page once, then edits, `many` of them to bench/manyrev."""
    rng = random.Random(seed)
    for name, text in texts.items():
        yield name, text, f"Create {name}"
    order = [n for n in texts if n not in ("bench/page", "bench/large", "bench/edit")]
    left = commits - len(texts)
    every = max(1, left // max(1, many))
    for i in range(left):
        name = "bench/manyrev" if i % every == 0 else order[rng.randrange(len(order))]
        lines = texts[name].split("\n\n")
        if len(lines) > 40:
            del lines[20]
        lines.insert(1 + rng.randrange(max(1, len(lines) - 1)), f"Round {i}: {sentence(rng)}")
        texts[name] = "\n\n".join(lines)
        yield name, texts[name], f"Round {i} of {name}"


def build(target, size, quick):
    """`target`/SIZE.git, a bare repository; built once, reused while it says the same. Returns its path."""
    count, commits, many = (QUICK if quick else SIZES)[size]
    out = os.path.join(target, f"{size}-{count}-{commits}.git")
    if os.path.exists(os.path.join(out, "holt-bench-done")):
        return out
    shutil.rmtree(out, ignore_errors=True)
    git = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", out], check=True, env=git, timeout=60)
    pipe = subprocess.Popen(["git", "-C", out, "fast-import", "--quiet", "--done"], stdin=subprocess.PIPE, env=git)
    texts = pages(count, seed=count)
    for n, (name, text, message) in enumerate(history(texts, commits, many, seed=commits)):
        who, mail = AUTHORS[n % len(AUTHORS)]
        body, said, when = text.encode(), message.encode(), EPOCH + n * STEP
        pipe.stdin.write(
            b"commit refs/heads/main\nauthor %s <%s> %d +0000\ncommitter %s <%s> %d +0000\n" % (who.encode(), mail.encode(), when, who.encode(), mail.encode(), when)
            + b"data %d\n%s\n" % (len(said), said)
            + b'M 100644 inline "%s.md"\ndata %d\n%s\n' % (name.encode(), len(body), body)
        )
    pipe.stdin.write(b"done\n")
    pipe.stdin.close()
    if pipe.wait(timeout=600):
        raise RuntimeError("git fast-import failed")
    subprocess.run(["git", "-C", out, "repack", "-adq"], check=True, env=git, timeout=600)
    open(os.path.join(out, "holt-bench-done"), "w").close()
    return out


def checkout(bare, out):
    """A work tree of `bare` in `out`: what Otterwiki wants, and what `import folder` reads."""
    if not os.path.exists(out):
        subprocess.run(["git", "clone", "-q", bare, out], check=True, timeout=300)
    return out
