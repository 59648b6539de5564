"""A wiki from Python: everything goes into real git and real SQLite."""

import itertools
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import holt


class WikiCase(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.path = pathlib.Path(place.name) / "data"
        with holt.Data.open(self.path) as data:
            data.create("docs", title="Documents")

    def open(self, **more):
        wiki = holt.Wiki.open(self.path, **more)
        self.addCleanup(wiki.close)
        return wiki


class Wiki(WikiCase):
    def test_pages_are_saved_read_found_and_remembered(self):
        wiki = self.open(author=("Ann", "ann@example.org"))
        self.assertEqual((wiki.name, wiki.pages(), wiki.history()), ("docs", [], []))
        first = wiki.save("Guide/Setup", "# Setup\n\nAbout otters. [[Home]]\n", message="Begin")
        self.assertTrue(first.changed and not first.merged)
        page = wiki.read("guide/setup")
        self.assertEqual((page.path, page.text, page.revision), ("Guide/Setup", "# Setup\n\nAbout otters. [[Home]]\n", first.revision))
        second = wiki.save("Guide/Setup", page.text + "\nMore.\n", base=page.revision)
        history = wiki.history("Guide/Setup")
        self.assertEqual([change.revision for change in history], [second.revision, first.revision])
        self.assertEqual((history[1].author, history[1].email, history[1].message.strip()), ("Ann", "ann@example.org", "Begin"))
        self.assertEqual(wiki.read("Guide/Setup", revision=first.revision).text, page.text)
        self.assertEqual([hit.path for hit in wiki.search("otters")], ["Guide/Setup"])
        self.assertIn('<h1 id="setup"', wiki.html("Guide/Setup"))
        listed = wiki.pages(prefix="guide")
        self.assertEqual([(page.path, page.last_change.revision) for page in listed], [("Guide/Setup", second.revision)])
        wiki.close()
        # It is in git, as git sees it.
        repo = next(self.path.glob("wikis/*/repo.git"))
        log = subprocess.run(["git", "-C", repo, "log", "--format=%an <%ae> %s"], capture_output=True, text=True, check=True).stdout.splitlines()
        self.assertEqual((len(log), log[1]), (2, "Ann <ann@example.org> Begin"))
        subprocess.run(["git", "-C", repo, "fsck", "--strict"], check=True, capture_output=True)

    def test_edits_meet_without_loss(self):
        wiki = self.open()
        base = wiki.save("Page", "one\n\ntwo\n\nthree\n").revision
        wiki.save("Page", "ONE\n\ntwo\n\nthree\n", base=base)
        merged = wiki.save("Page", "one\n\ntwo\n\nTHREE\n", base=base)
        self.assertTrue(merged.merged)
        self.assertEqual(wiki.read("Page").text, "ONE\n\ntwo\n\nTHREE\n")
        with self.assertRaises(holt.ConflictError) as raised:
            wiki.save("Page", "eins\n\ntwo\n\nthree\n", base=base)
        texts = raised.exception.conflict
        self.assertEqual((texts.base, texts.theirs, texts.yours), ("one\n\ntwo\n\nthree\n", "ONE\n\ntwo\n\nTHREE\n", "eins\n\ntwo\n\nthree\n"))
        self.assertIn("<<<<<<<", texts.merged)
        self.assertIn("conflict.current", raised.exception.hint)
        wiki.save("Page", "decided\n", base=texts.current)
        # To make a page is not to write over one.
        with self.assertRaises(holt.ConflictError):
            wiki.save("Page", "another\n")
        self.assertEqual(wiki.read("Page").text, "decided\n")

    def test_what_is_wrong_is_said(self):
        with self.assertRaises(holt.NotFoundError):
            holt.Wiki.open(self.path.parent / "none")
        self.assertFalse((self.path.parent / "none").exists())
        wiki = self.open()
        with self.assertRaises(holt.BusyError):
            holt.Wiki.open(self.path)
        for call, error in [
            (lambda: wiki.read("Nothing"), holt.NotFoundError),
            (lambda: wiki.read("a/../b"), holt.InvalidError),
            (lambda: wiki.save("Page", "nul \0"), holt.InvalidError),
            (lambda: wiki.save("Page", "x" * 2_000_000), holt.InvalidError),
            (lambda: wiki.save("Page", "x", base="0" * 40), holt.NotFoundError),
            (lambda: wiki.save("Page", "x", base="nothing"), holt.NotFoundError),
            (lambda: wiki.search("word " * 200), holt.HoltError),
        ]:
            with self.assertRaises(error) as raised:
                call()
            self.assertTrue(str(raised.exception))
        self.assertEqual(wiki.pages(), [])
        wiki.close()
        with self.assertRaises(holt.InvalidError) as raised:
            wiki.pages()
        self.assertEqual(raised.exception.hint, "Open it again.")
        with self.assertRaises(holt.InvalidError):
            self.open(author=("Ann", "no address"))

    def test_several_wikis_and_who_is_meant(self):
        with holt.Data.open(self.path) as data:
            data.create("more")
            self.assertEqual(data.wikis(), ["docs", "more"])
            with self.assertRaises(holt.InvalidError) as raised:
                data.wiki()
            self.assertIn("docs, more", raised.exception.hint)
            with self.assertRaises(holt.NotFoundError):
                data.wiki("other")
            with self.assertRaises(holt.ConflictError):
                data.create("docs")
            data.wiki("more").save("Page", "here\n")
            self.assertEqual(data.wiki("docs").pages(), [])
        holt.Wiki.open(self.path, "more").close()

    def test_threads_write_without_loss(self):
        wiki = self.open()

        def write(name):
            for number in range(10):
                wiki.save(f"{name}/{number}", f"{name} {number}\n")

        threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(wiki.pages()), len(wiki.history())), (30, 30))


class Render(unittest.TestCase):
    def test_text_becomes_safe_html(self):
        self.assertEqual(holt.render("*hi* <script>alert(1)</script>").strip().count("<script"), 0)
        made = holt.rendered("# A *b*\n\n$x$\n\n[[Other]]\n")
        self.assertEqual([(heading.level, heading.text, heading.anchor) for heading in made.toc], [(1, "A b", "a-b")])
        self.assertEqual((made.links, made.needs), (["Other"], ["mathjax"]))
        self.assertEqual(made.html, holt.render("# A *b*\n\n$x$\n\n[[Other]]\n"))
        with self.assertRaises(AttributeError):
            made.html = "x"


class Threads(WikiCase):
    def test_other_threads_go_on(self):
        """Nothing of Python runs beside a call that holds the interpreter's lock, as nobody is made to give it up here: what counts does so in calls that let go."""
        wiki = self.open()
        wiki.save("Otters", "They swim.\n")
        text = "".join(f"* item {i} with `code` and [[Link {i}]]\n" for i in range(2_000))
        number = itertools.count(1)
        calls = {
            "render": lambda: holt.render(text),
            "rendered": lambda: holt.rendered(text),
            "save": lambda: wiki.save(f"Page {next(number)}", text),
            "search": lambda: wiki.search("swim"),
            "html": lambda: wiki.html("Page 1"),
            "history": lambda: wiki.history(),
        }
        counted = {name: beside(call) for name, call in calls.items()}
        self.assertEqual([name for name, count in counted.items() if count == 0], [], counted)
        self.assertEqual(beside(lambda: sorted(range(300_000), key=float), 10), 0, "control: a call that holds the lock")


def beside(call, most=5_000):
    """How often another thread had its turn during a call: a short one is made again, `most` times, as whoever waits may wake too late for it."""
    seen, stop, begun = [], threading.Event(), threading.Event()

    def count():
        while not stop.is_set():
            seen.append(None)
            begun.set()
            time.sleep(0.0001)

    counter = threading.Thread(target=count)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    try:
        counter.start()
        begun.wait()
        before = len(seen)
        for _ in range(most):
            call()
            if len(seen) > before:
                break
        return len(seen) - before
    finally:
        stop.set()
        counter.join()
        sys.setswitchinterval(usual)


if __name__ == "__main__":
    unittest.main()
