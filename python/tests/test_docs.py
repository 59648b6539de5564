"""The examples of docs/python.md run, and say what it says they say."""

import doctest
import os
import pathlib
import tempfile
import unittest

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python.md"


class Guide(unittest.TestCase):
    def test_its_examples_run(self):
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            try:
                failed, tried = doctest.testfile(str(GUIDE), module_relative=False, optionflags=doctest.ELLIPSIS)
            finally:
                os.chdir(here)
        self.assertEqual(failed, 0)
        self.assertGreater(tried, 10)


if __name__ == "__main__":
    unittest.main()
