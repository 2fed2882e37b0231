"""A plain dict from name to function, filled by a decorator when a package imports its siblings."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from latentomics.core.errors import RequestError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and what they stand for; unknown and duplicate names are errors."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters a function under ``name``; a duplicate is an error."""

        def enter(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return enter

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}? " if near else ""
            raise RequestError(
                f"unknown {self.kind} {name!r}", self.kind, f"{hint}known: {', '.join(self)}"
            )
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries


def import_siblings(package: str, path: list[str]) -> None:
    """Import every module of a package, so that a file's presence is enough to register it."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
