from os import PathLike
from types import TracebackType
from typing import Final, final

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

    level: Final[int]
    text: Final[str]
    anchor: Final[str]

@final
class Rendered:
    """What a page becomes."""

    html: Final[str]
    """Sanitized: safe to be shown."""
    toc: Final[list[Heading]]
    links: Final[list[str]]
    """Targets of links and pictures, as written."""
    needs: Final[list[str]]
    """Of "mathjax", "mermaid" and "datatables", what a browser needs to show it."""

def render(text: str, *, page_url: str | None = None, extras: bool = True) -> str:
    """Markdown to sanitized HTML. `page_url` is what relative links start from; `extras` as in new wikis."""

def rendered(text: str, *, page_url: str | None = None, extras: bool = True) -> Rendered:
    """The same, with headings, links and needs."""

@final
class Change:
    """A commit."""

    revision: Final[str]
    author: Final[str]
    email: Final[str]
    time: Final[int]
    """Unix seconds."""
    message: Final[str]

@final
class Page:
    """A page as it was at a revision."""

    path: Final[str]
    text: Final[str]
    revision: Final[str]
    """Of the wiki: the base for a save."""

@final
class PageInfo:
    """A page in a list."""

    path: Final[str]
    title: Final[str | None]
    tags: Final[list[str]]
    size: Final[int]
    last_change: Final[Change]

@final
class Hit:
    """A page that was found."""

    path: Final[str]
    title: Final[str | None]
    score: Final[float]
    snippet: Final[str]

@final
class Saved:
    """A save that is durable."""

    revision: Final[str]
    merged: Final[bool]
    """Whether it was merged with what others changed since its base."""
    changed: Final[bool]

@final
class Conflict:
    """Three texts to decide between."""

    base: Final[str | None]
    theirs: Final[str | None]
    yours: Final[str]
    merged: Final[str]
    """Both, with marks where they touch."""
    current: Final[str]
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
    name: Final[str]
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
