from os import PathLike
from types import TracebackType
from typing import final

__version__: str

class HoltError(Exception):
    """What could not be done. `str()` says why; `hint` what to do about it."""

    hint: str | None

class NotFoundError(HoltError):
    """There is no such wiki, page or revision."""

class InvalidError(HoltError):
    """A name, a text or a query is not one."""

class DeniedError(HoltError):
    """Whoever writes may not."""

class BusyError(HoltError):
    """Another process has the data directory, or the disk is full."""

class ConflictError(HoltError):
    """A save touches what somebody else changed since its base revision."""

    conflict: Conflict | None

@final
class Heading:
    """A heading of a page."""

    level: int
    text: str
    anchor: str

@final
class Rendered:
    """What a page becomes."""

    html: str
    """Sanitized: safe to be shown."""
    toc: list[Heading]
    links: list[str]
    """Targets of links and pictures, as written."""
    needs: list[str]
    """Of "mathjax", "mermaid" and "datatables", what a browser needs to show it."""

def render(text: str, *, page_url: str | None = None, extras: bool = True) -> str:
    """Markdown to sanitized HTML. `page_url` is what relative links start from; `extras` as in new wikis."""

def rendered(text: str, *, page_url: str | None = None, extras: bool = True) -> Rendered:
    """The same, with headings, links and needs."""

@final
class Change:
    """A commit."""

    revision: str
    author: str
    email: str
    time: int
    """Unix seconds."""
    message: str

@final
class Page:
    """A page as it was at a revision."""

    path: str
    text: str
    revision: str
    """Of the wiki: the base for a save."""

@final
class PageInfo:
    """A page in a list."""

    path: str
    title: str | None
    tags: list[str]
    size: int
    last_change: Change

@final
class Hit:
    """A page that was found."""

    path: str
    title: str | None
    score: float
    snippet: str

@final
class Saved:
    """A save that is durable."""

    revision: str
    merged: bool
    """Whether it was merged with what others changed since its base."""
    changed: bool

@final
class Conflict:
    """Three texts to decide between."""

    base: str | None
    theirs: str | None
    yours: str
    merged: str
    """Both, with marks where they touch."""
    current: str
    """The base for the decided text."""

@final
class Data:
    """A data directory, which this process owns until it is closed."""

    @staticmethod
    def open(path: str | PathLike[str]) -> Data:
        """Opens one; makes it if there is none."""
    def wikis(self) -> list[str]:
        """Their slugs."""
    def create(self, name: str, *, title: str | None = None) -> Wiki:
        """Makes an empty wiki that everybody may read."""
    def wiki(self, name: str | None = None, *, author: tuple[str, str] | None = None) -> Wiki:
        """A wiki; without a name, the only one. Commits are by `author` (name, mail address)."""
    def close(self) -> None:
        """Publishes what is not published, and lets the directory go."""
    def __enter__(self) -> Data: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

@final
class Wiki:
    """A wiki, with all rights of whoever owns the machine."""

    @staticmethod
    def open(path: str | PathLike[str], name: str | None = None, *, author: tuple[str, str] | None = None) -> Wiki:
        """A wiki of a data directory that has to be there; without a name, the only one."""
    name: str
    def pages(self, *, prefix: str | None = None, tag: str | None = None, after: str | None = None, limit: int = 1000) -> list[PageInfo]:
        """By path. `after`: the last path of the part before."""
    def read(self, page: str, *, revision: str | None = None) -> Page:
        """A page, now or as it was. Raises NotFoundError."""
    def html(self, page: str) -> str:
        """The page as readers see it, with what it includes, but without the frame."""
    def history(self, page: str | None = None, *, limit: int = 50) -> list[Change]:
        """What changed a page, or anything, newest first."""
    def search(self, query: str, *, limit: int = 20) -> list[Hit]:
        """Best first."""
    def save(self, page: str, text: str, *, base: str | None = None, message: str = "") -> Saved:
        """Saves a page durably. `base` is the revision that was read; without one the page has to be new. What others changed
        elsewhere in it is merged; raises ConflictError where both touch the same lines."""
    def close(self) -> None: ...
    def __enter__(self) -> Wiki: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
