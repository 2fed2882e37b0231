"""Ctrl-C and SIGTERM as a wish that the loop reads between two steps.

In: signals. Out: a flag; a second Ctrl-C stops at once, as it would without us.
"""

from __future__ import annotations

import signal
import threading
from types import TracebackType


class Interruption:
    """Context in which the first signal only sets ``asked``; inert outside the main thread."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in self.SIGNALS}
            for number in self.SIGNALS:
                signal.signal(number, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _ask(self, *_signal: object) -> None:
        self.asked = True
        self._restore()  # so the second signal acts as it did before

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}
