"""Git-backed Markdown wikis without a server: render, read, search and save pages.

Importing this opens nothing and loads nothing: what stands behind a name comes with its first use (PEP 562).
"""

__all__ = [
    "BusyError",
    "Change",
    "Conflict",
    "ConflictError",
    "Data",
    "DeniedError",
    "Heading",
    "Hit",
    "HoltError",
    "InvalidError",
    "NotFoundError",
    "Page",
    "PageInfo",
    "Rendered",
    "Saved",
    "Wiki",
    "__version__",
    "render",
    "rendered",
]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module 'holt' has no attribute {name!r}")
    from . import _holt

    value = getattr(_holt, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
