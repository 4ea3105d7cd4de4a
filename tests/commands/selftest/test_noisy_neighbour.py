"""The noisy neighbour is nobody's child, and ends with the self-test however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from hypothesis import given, strategies as st

from bench.commands.selftest import noisy_neighbour
from bench.host.checkout import CHECKOUT


def ends(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process ends in time. Where init does not ask for its exit status, it stays as a zombie."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_it_is_no_descendant_and_ends_with_the_block() -> None:
    with noisy_neighbour.running() as pid:
        neighbour = psutil.Process(pid)
        assert neighbour.is_running()
        assert os.getpid() not in [parent.pid for parent in neighbour.parents()]
        assert pid not in [child.pid for child in psutil.Process().children(recursive=True)]
        assert os.getsid(pid) != os.getsid(0)  # Ctrl-C of a terminal does not reach it
    assert ends(pid, 0.5)


def test_it_ends_where_the_block_fails() -> None:
    with pytest.raises(KeyboardInterrupt), noisy_neighbour.running() as pid:
        raise KeyboardInterrupt
    assert ends(pid, 0.5)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_the_self_test_is_killed(number: signal.Signals) -> None:
    program = (
        "import signal, time\n"
        "from bench.commands.selftest import noisy_neighbour\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "with noisy_neighbour.running() as pid:\n"
        "    print(pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    started = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with started:
        assert started.stdout is not None
        pid = int(started.stdout.readline())
        assert psutil.pid_exists(pid)
        started.send_signal(number)
        started.wait(10)
        assert ends(pid)


def test_one_that_ends_by_itself_is_noticed() -> None:
    def kill_it() -> None:
        with noisy_neighbour.running() as pid:
            os.kill(pid, signal.SIGKILL)
            assert ends(pid)

    with pytest.raises(ValueError, match="^the noisy neighbour ended by itself"):
        kill_it()


def test_one_that_does_not_start_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ValueError, match="^the noisy neighbour did not start"), noisy_neighbour.running():
        pytest.fail("it started")


@given(st.floats(0, 1e6))
def test_it_is_busy_for_two_of_five_seconds(elapsed: float) -> None:
    rest = noisy_neighbour.seconds_to_rest(elapsed)
    assert (rest == 0) is (elapsed % 5 < 2)
    assert 0 <= rest <= 3
    if rest:
        assert (elapsed + rest) % 5 == pytest.approx(0, abs=1e-6) or (elapsed + rest) % 5 == pytest.approx(5)


def test_it_computes() -> None:
    with noisy_neighbour.running() as pid:
        before = sum(psutil.Process(pid).cpu_times()[:2])
        deadline = time.monotonic() + 30
        while sum(psutil.Process(pid).cpu_times()[:2]) < before + 0.3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
