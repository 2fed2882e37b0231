"""What the machine at hand offers a plan: threads and memory."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What was found on this machine; ``memory_bytes`` is half of what is free unless set."""

    threads: int
    memory_bytes: int


def available_hardware(memory_bytes: int | None = None) -> Hardware:
    """Ask the operating system."""
    import psutil

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Hardware(
        threads=threads or 1,
        memory_bytes=memory_bytes or int(psutil.virtual_memory().available // 2),
    )
