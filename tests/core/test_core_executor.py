"""The executor: order, faults that cost one case, defects that propagate."""

import gc
import os
import signal
import time

import psutil
import pytest

from latentomics.core import CaseError
from latentomics.core.executor import Outcome, map_cases


def work(item: int) -> int:
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 4:
        time.sleep(30)
    if item == 6:
        bytearray(2**33)
    if item == 8:
        raise CaseError("wrong", "case 8", "mend it", "wrong")
    return item * 10


def defect(item: int) -> int:
    raise ZeroDivisionError(item)


def test_I8_crash_hang_and_memory_cost_their_case_only():
    done = []
    outcomes = list(
        map_cases(
            work, range(12), workers=2, timeout_s=1.0, memory_bytes=2**30, on_done=done.append
        )
    )
    assert [o.key for o in outcomes] == [str(i) for i in range(12)]
    kinds = {int(o.key): o.error.kind for o in outcomes if o.error}
    assert kinds == {2: "crashed", 4: "timeout", 6: "too_large", 8: "wrong"}
    assert [o.value for o in outcomes if not o.error] == [0, 10, 30, 50, 70, 90, 100, 110]
    assert done == outcomes


def collected(_: int) -> int:
    before = psutil.Process().memory_full_info().uss
    gc.collect()
    return psutil.Process().memory_full_info().uss - before


def test_M2_a_worker_does_not_copy_what_its_parent_holds():
    held = [{"case": (number, [number])} for number in range(200_000)]  # 60 MB
    grown = [outcome.value for outcome in map_cases(collected, range(2), workers=2)]
    assert max(grown) < 10e6
    assert len(held) == 200_000


@pytest.mark.parametrize("workers", [1, 2])
def test_a_defect_propagates(workers):
    with pytest.raises(ZeroDivisionError):
        list(map_cases(defect, [1, 2], workers=workers))


def test_in_process_keeps_case_errors_and_stays_lazy():
    seen = []

    def items():
        for item in (8, 1, 3):
            seen.append(item)
            yield item

    outcomes = map_cases(work, items(), workers=1)
    assert next(outcomes).error.kind == "wrong"
    assert seen == [8]
    assert next(outcomes) == Outcome(key="1", value=10, error=None)


def pid(item: int) -> int:
    return os.getpid()


def test_few_items_are_in_flight():
    taken = []
    outcomes = map_cases(pid, (taken.append(i) or i for i in range(500)), workers=2)
    assert next(outcomes).value != os.getpid()
    assert len(taken) < 40
    outcomes.close()
