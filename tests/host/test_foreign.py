"""Which processes are foreign and how much they used: with real processes, on a machine that may be busy."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from bench.host import foreign, resources
from bench.host.foreign import ForeignProcesses, Scan, used_between
from tests.support.foreign_processes import Helper, helper

TICK = 1 / os.sysconf("SC_CLK_TCK")
pytestmark = pytest.mark.skipif(not ForeignProcesses().can_tell, reason="the system does not show other processes")


@pytest.fixture
def orphan() -> Iterator[Helper]:
    with helper(orphan=True) as made:
        yield made


def only(scan: Scan, *pids: int) -> Scan:
    """Without the processes that the test did not start."""
    clocks, children = ({pid: of[pid] for pid in pids if pid in of} for of in (scan.clocks, scan.children))
    return Scan(clocks, children, 0.0)


def test_a_process_that_init_adopted_is_foreign_and_its_clock_is_exact(orphan: Helper) -> None:
    processes = ForeignProcesses()
    before, used = processes.scan(), orphan.do("busy 0")
    between = orphan.do("busy 0.1") - used
    after, clocks = processes.scan(), processes.clocks()
    assert 0.1 <= between < 0.2
    seconds = only(before, orphan.pid).seconds_until(only(after, orphan.pid))
    assert seconds == pytest.approx(between, abs=5e-3)
    assert clocks[orphan.pid] == pytest.approx(after.clocks[orphan.pid], abs=5e-3)
    assert before.seconds_until(after) >= seconds - 1e-9
    assert used_between(before.clocks, clocks) >= seconds - 5e-3


@pytest.mark.parametrize("own_session", [False, True])
def test_a_descendant_is_not_foreign(own_session: bool) -> None:
    with helper(orphan=False, own_session=own_session) as child:
        processes = ForeignProcesses()
        scan = processes.scan()
        grandchild = int(child.do("begin 0"))
        pids = {os.getpid(), child.pid, grandchild}
        assert not pids & scan.clocks.keys()
        later = processes.scan()
        assert not pids & (later.clocks.keys() | later.children.keys() | processes.clocks().keys())
        of_another = ForeignProcesses(child.pid).scan().clocks
        assert os.getpid() in of_another
        assert not {child.pid, grandchild} & of_another.keys()
        os.kill(grandchild, signal.SIGKILL)


def test_a_descendant_that_lost_its_parent_after_a_scan_is_not_foreign() -> None:
    processes = ForeignProcesses()
    with helper(orphan=False) as child:
        grandchild = int(child.do("begin 0"))
        processes.scan()
        os.kill(child.pid, signal.SIGKILL)
        while parent(grandchild) == child.pid:
            time.sleep(1e-3)
        try:
            assert grandchild not in processes.scan().clocks
        finally:
            os.kill(grandchild, signal.SIGKILL)


def parent(pid: int) -> int:
    found = re.search(r"^PPid:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def test_short_lived_children_of_a_foreign_process_count(orphan: Helper) -> None:
    """No scan sees them. What they used is in ticks, of which one may have been nearly full before."""
    processes = ForeignProcesses()
    before = processes.scan()
    for _ in range(5):
        orphan.do("child 0.06")
    after = processes.scan()
    first, last = only(before, orphan.pid), only(after, orphan.pid)
    assert 0.3 - 2 * 5 * TICK <= first.seconds_until(last) <= 0.3 + 5 * 0.02
    assert used_between(first.clocks, last.clocks) < 0.1  # its own clock does not have it


def test_a_child_that_exits_is_not_counted_twice(orphan: Helper) -> None:
    """What it used before the first scan does not count at its end, and what it used since then counts once."""
    processes = ForeignProcesses()
    child = int(orphan.do("begin 0.3"))
    deadline = time.monotonic() + 30
    while ForeignProcesses().scan().clocks[child] < 0.3 and time.monotonic() < deadline:
        time.sleep(0.01)
    before = processes.scan()
    assert before.clocks[child] >= 0.3
    orphan.do("end 0")
    after = processes.scan()
    assert child not in after.clocks
    assert after.children[orphan.pid] >= 0.3 - 2 * TICK
    assert only(before, orphan.pid, child).seconds_until(only(after, orphan.pid, child)) < 0.1


def test_kernel_threads_are_not_foreign_and_init_is() -> None:
    scan = ForeignProcesses().scan()
    assert 1 in scan.clocks
    assert foreign._KTHREADD not in scan.clocks
    threads = [
        pid
        for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
        if is_kernel_thread(pid)
    ]
    assert threads
    assert not set(threads) & scan.clocks.keys()


def is_kernel_thread(pid: int) -> bool:
    """A process without memory of its own; not one that has exited."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "VmSize" not in status and "\nState:\tZ" not in status and "\nState:\tX" not in status


def test_the_busiest_process_has_a_name(orphan: Helper) -> None:
    processes = ForeignProcesses()
    before = only(processes.scan(), orphan.pid)
    assert processes.busiest(before, before) == ""
    orphan.do("busy 0.02")
    after = only(processes.scan(), orphan.pid)
    assert processes.busiest(before, after) == Path(f"/proc/{orphan.pid}/comm").read_text().strip()
    assert processes.busiest(Scan({}, {}, 0.0), Scan({2**22 + 1: 1.0}, {}, 0.0)) == ""  # it has exited


def test_without_proc_the_system_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "Path", lambda path: Path("/nowhere") / path.strip("/"))
    assert not ForeignProcesses().can_tell


def test_in_a_container_the_system_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary process has the id that the parent of the kernel's threads has elsewhere."""
    monkeypatch.setattr(foreign, "_KTHREADD", os.getpid())
    assert not ForeignProcesses().can_tell


def test_a_process_whose_name_is_strange_is_read() -> None:
    script = "open('/proc/self/comm', 'w').write(') R 1 (\\n'); print(flush=True); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert foreign._parent_and_ticks(process.pid) == (os.getpid(), 0)


def test_no_children_are_read_where_there_are_very_many_processes(
    orphan: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "_MOST_READ", 0)
    scan = ForeignProcesses().scan()
    assert orphan.pid in scan.clocks
    assert not scan.children


clocks_of = st.dictionaries(st.integers(1, 6), st.floats(0, 1e6))


@given(clocks_of, clocks_of, st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_was_used_is_at_least_what_the_clocks_say_and_never_negative(
    before: dict[int, float], after: dict[int, float], stolen: float, more: float
) -> None:
    used = used_between(before, after)
    assert used >= 0
    assert used_between(before, before) == 0
    one, two = Scan(before, before, stolen), Scan(after, after, stolen + more)
    assert one.seconds_until(two) >= max(used, more - TICK) * (1 - 1e-9) - 1e-6
    assert one.seconds_until(one) == 0


def test_what_the_host_takes_counts_from_the_second_tick_on() -> None:
    before = Scan({7: 1.0}, {7: 0.5}, 3.0)
    assert before.seconds_until(Scan({7: 1.0}, {7: 0.5}, 3.0 + TICK)) == pytest.approx(0)
    assert before.seconds_until(Scan({7: 1.25}, {7: 0.5}, 3.0 + 5 * TICK)) == pytest.approx(0.25 + 4 * TICK)
    assert before.seconds_until(Scan({7: 1.25}, {7: 0.5 + 3 * TICK}, 3.0)) == pytest.approx(0.25 + 2 * TICK)
    # its child 8 used 2 s before, and 0.1 s since then
    with_child = Scan({7: 1.0, 8: 2.0}, {7: 0.5, 8: 0.0}, 3.0)
    assert with_child.seconds_until(Scan({7: 1.0}, {7: 2.6}, 3.0)) == pytest.approx(0.1 - TICK)
