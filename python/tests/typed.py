"""A program that uses everything, for the type checker alone (scripts/python-test.sh): nobody runs it."""

import holt
from typing import assert_type


def use(data: holt.Data) -> str:
    wiki = data.create("docs", title="Documents")
    with holt.Wiki.open("data", "docs", author=("Ann", "ann@example.org")) as other:
        assert_type(other, holt.Wiki)
    saved = wiki.save("Guide", "# Guide\n", message="Begin")
    assert_type(saved, holt.Saved)
    page = wiki.read("Guide", revision=saved.revision)
    assert_type((page.path, page.text, page.revision), tuple[str, str, str])
    assert_type([hit.path for hit in wiki.search("otter*")], list[str])
    assert_type([change.author for change in wiki.history("Guide")], list[str])
    try:
        wiki.save("Guide", "# Other\n")
    except holt.ConflictError as error:
        assert_type(error.conflict, holt.Conflict | None)
    # What is wrong is found: were it not, the comment would be.
    holt.render(7)  # type: ignore[arg-type]
    page.text = "x"  # type: ignore[misc]
    return holt.rendered("x").html + holt.render("x", extras=False)
