"""A service for a worker, which starts processes that try to outlive it. Each request names a function here."""

from __future__ import annotations

import os
import signal
import socket
import time

from bench.worker.frames import Connection


def serve(descriptor: int) -> None:
    """Do what each request names, and respond."""
    connection = Connection(socket.socket(fileno=descriptor))
    while True:
        message, _ = connection.receive()
        globals()[message["request"]]()
        connection.send({})


def _remain() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)
    os._exit(0)


def nothing() -> None:
    pass


def daemon() -> None:
    """In a session of its own, and its parent has ended."""
    if (child := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            _remain()
        os._exit(0)
    os.waitpid(child, 0)


def brief() -> None:
    """A daemon that has ended."""
    ended, ending = os.pipe()
    if (child := os.fork()) == 0:
        if os.fork() == 0:
            time.sleep(0.01)
        os._exit(0)
    os.close(ending)
    os.waitpid(child, 0)
    os.read(ended, 1)
    os.close(ended)


def spinning() -> None:
    if os.fork() == 0:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pass
        os._exit(0)


def stopped() -> None:
    """In a process group of its own."""
    if (child := os.fork()) == 0:
        os.setpgid(0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _remain()
    os.waitpid(child, os.WUNTRACED)


def watchdog() -> None:
    """A child with a child that takes its place, and starts another, as soon as it ends."""
    end = time.monotonic() + 60
    if os.fork() == 0:
        while time.monotonic() < end:
            parent = os.getpid()
            if os.fork() != 0:
                _remain()
            while os.getppid() == parent and time.monotonic() < end:
                time.sleep(1e-4)
        os._exit(0)


def compute() -> None:
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass


def compute_in_a_session() -> None:
    """A child in a session of its own computes, and stays."""
    ready, done = os.pipe()
    if os.fork() == 0:
        os.setsid()
        compute()
        os.write(done, b"1")
        _remain()
    os.read(ready, 1)


def compute_and_end() -> None:
    """The child of a child computes, and ends. Nobody waits for it."""
    ready, done = os.pipe()
    if (child := os.fork()) == 0:
        if os.fork() == 0:
            compute()
            os.write(done, b"1")
        os._exit(0)
    os.waitpid(child, 0)
    os.read(ready, 1)
    time.sleep(0.05)


def hold() -> None:
    """A child holds 100 MiB."""
    _child_with(0)


def share() -> None:
    """Four children share 100 MiB."""
    shared = bytearray(os.urandom(2**20) * 100)
    for _ in range(4):
        _child_with(len(shared), shared)


def _child_with(count: int, shared: bytearray = bytearray()) -> None:  # noqa: B008 - it is empty
    ready, done = os.pipe()
    if os.fork() == 0:
        held = shared or bytearray(os.urandom(2**20) * 100)
        assert sum(held[::4096]) >= count // 2**20
        os.write(done, b"1")
        _remain()
    os.read(ready, 1)
    time.sleep(0.1)  # the race looks at it twice meanwhile


def stop_supervisor() -> None:
    os.kill(os.getppid(), signal.SIGSTOP)


def kill_supervisor() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def leave() -> None:
    os._exit(3)


def abort() -> None:
    os.abort()
