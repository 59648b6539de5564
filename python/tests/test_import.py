"""What `import holt` may do: nearly nothing. Seen from outside, in processes of their own."""

import ast
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import holt

PLACE = pathlib.Path(holt.__file__).parent
# Heavy parts of the standard library and of others: who imports holt to render one page pays for none of them.
BANNED = ["asyncio", "concurrent", "ctypes", "dataclasses", "email", "http", "importlib.metadata", "inspect", "json", "logging", "multiprocessing", "pathlib", "pickle", "re",
          "shutil", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "typing", "unittest", "urllib.request", "xml", "zipfile",
          "bs4", "flask", "git", "jinja2", "mistune", "numpy", "otterwiki", "pydantic", "pygments", "sqlalchemy", "torch", "yaml", "holt._holt"]
PROBE = """
import json, os, sys
before = set(sys.modules)
{statement}
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def fresh(statement, place):
    """Modules that a statement loads in a fresh interpreter, whose home and working directory are `place`."""
    paths = [str(PLACE.parent)]
    env = {"PATH": os.environ["PATH"], "HOME": place, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    probe = PROBE.format(statement=statement).replace("import json, os, sys", "import sys")
    done = subprocess.run([sys.executable, "-S", "-c", probe], cwd=place, env=env, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


class Import(unittest.TestCase):
    def test_importing_loads_nothing_heavy(self):
        with tempfile.TemporaryDirectory() as place:
            loaded = fresh("import holt", place)
            self.assertEqual(loaded, ["holt"])
            self.assertEqual(os.listdir(place), [], "and makes no files")
            # What the list is good for: first use loads the native half, and a heavy module is seen.
            self.assertIn("holt._holt", fresh("import holt; holt.render('x')", place))
            seen = fresh("import sqlite3", place)
            self.assertTrue(any(name in BANNED for name in seen), seen)

    def test_rendering_loads_no_heavy_module_and_makes_no_files(self):
        with tempfile.TemporaryDirectory() as place:
            loaded = fresh("import holt; holt.render('# Hi'); holt.rendered('$x$')", place)
            heavy = [name for name in loaded if name in BANNED and name != "holt._holt"]
            self.assertEqual(heavy, [])
            self.assertEqual(os.listdir(place), [])

    def test_a_wiki_loads_no_heavy_module_and_makes_files_only_where_it_is(self):
        use = "import holt; data = holt.Data.open('data'); data.create('docs'); wiki = data.wiki(); wiki.save('Page', 'x'); wiki.search('x'); wiki.history('Page')"
        with tempfile.TemporaryDirectory() as place:
            heavy = [name for name in fresh(use, place) if name in BANNED and name != "holt._holt"]
            self.assertEqual(heavy, [])
            self.assertEqual(os.listdir(place), ["data"], "control: what makes files is seen to make them")

    def test_names_come_when_they_are_asked_for_and_stay(self):
        """PEP 562: looking at the package loads nothing, the first name does, once."""
        statement = "import holt; dir(holt); assert 'holt._holt' not in sys.modules; first = holt.Wiki; assert holt.__dict__['Wiki'] is first is holt.Wiki"
        with tempfile.TemporaryDirectory() as place:
            self.assertEqual(fresh(statement, place), ["holt", "holt._holt"])

    def test_what_is_not_there_is_no_attribute(self):
        with self.assertRaises(AttributeError):
            holt.nothing
        self.assertEqual(dir(holt), sorted(holt.__all__))
        for name in holt.__all__:
            self.assertIsNotNone(getattr(holt, name), name)

    def test_the_stubs_name_what_there_is(self):
        tree = ast.parse((PLACE / "__init__.pyi").read_text())
        named = {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        self.assertEqual(set(named) | {"__version__"}, set(holt.__all__))
        for name, node in named.items():
            if not isinstance(node, ast.ClassDef) or name.endswith("Error"):
                continue
            own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            own |= {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
            real = {item for item in vars(getattr(holt, name)) if not item.startswith("__") or item in ("__enter__", "__exit__")}
            self.assertEqual(own, real, name)


if __name__ == "__main__":
    unittest.main()
