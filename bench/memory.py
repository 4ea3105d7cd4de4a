"""A workload's arrays, shared with the workers: one anonymous file, passed by descriptor.

It has no name, so nothing is left behind, and no limit of /dev/shm. A worker copies X and y out of it into memory of
its own (`private`), aligned to huge pages and at the same offsets in every worker, since where arrays lie is worth
5-8% at cache-resident sizes; on huge pages where the system gives them, as NumPy's own large arrays have, while
shared memory gets small ones nearly everywhere (that is worth 5-11%). What is only checked, the probes, stays in the
shared file (`mapped`).
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HUGE_PAGE = 2**21
_PROT_READ = 1


@dataclass(frozen=True)
class Shared:
    """An anonymous file with arrays, and where they lie in it."""

    descriptor: int
    table: dict[str, dict[str, Any]]
    bytes: int

    def close(self) -> None:
        """Give the memory back once no worker maps it."""
        os.close(self.descriptor)


def share(arrays: dict[str, np.ndarray]) -> Shared:
    """Copy the arrays into an anonymous file. Raises MemoryError where it does not fit."""
    if (needed := sum(array.nbytes for array in arrays.values())) > available_bytes():
        raise MemoryError(f"{needed / 2**30:.2g} GiB of shared memory")  # an anonymous file is given without asking
    table, size = {}, 0
    for name, array in arrays.items():
        order = "C" if array.flags.c_contiguous else "F"
        table[name] = {"offset": size, "shape": array.shape, "dtype": str(array.dtype), "order": order}
        size += -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    descriptor = _anonymous_file()
    try:
        os.ftruncate(descriptor, size)
        with mmap.mmap(descriptor, size) as memory:
            for name, array in arrays.items():
                placed = _array(memory, table[name])
                placed[...] = array
                del placed  # a map that an array looks into cannot be closed
        _seal(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise MemoryError(f"{size / 2**30:.2g} GiB of shared memory: {error.strerror}") from error
    return Shared(descriptor, table, size)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("logitbench", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:  # macOS
        return os.dup(file.fileno())


def _seal(descriptor: int) -> None:
    """Nobody can write into it any more, not even a kernel that writes to every descriptor that it finds."""
    if hasattr(fcntl, "F_ADD_SEALS"):
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def mapped(descriptor: int, table: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    """The shared arrays, read-only: whoever writes into them dies of it."""
    memory = mmap.mmap(descriptor, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    return {name: _array(memory, entry) for name, entry in table.items()}


def _array(memory: mmap.mmap, entry: dict[str, Any]) -> np.ndarray:
    shape = tuple(entry["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    flat = np.frombuffer(memory, entry["dtype"], count, entry["offset"])
    return flat.reshape(shape, order=entry["order"])


def private(descriptor: int, entry: dict[str, Any]) -> np.ndarray:
    """One of the shared arrays in memory of one's own: aligned to a huge page, huge pages asked for, read-only."""
    itemsize = np.dtype(entry["dtype"]).itemsize
    count = int(np.prod(entry["shape"], dtype=np.int64))
    size = -(-count * itemsize // HUGE_PAGE) * HUGE_PAGE
    memory = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    whole = np.frombuffer(memory, np.uint8)
    start = -whole.ctypes.data % HUGE_PAGE
    room = memoryview(whole.data)[start : start + count * itemsize]
    read = 0
    while read < len(room):  # read, not copied from a map, which would fault in every small page of it
        read += os.preadv(descriptor, [room[read:]], entry["offset"] + read)
    array = np.frombuffer(room, entry["dtype"]).reshape(entry["shape"], order=entry["order"])
    ctypes.CDLL(None).mprotect(ctypes.c_void_p(whole.ctypes.data + start), ctypes.c_size_t(size), _PROT_READ)
    array.flags.writeable = False
    return array


def aligned(vector: np.ndarray) -> np.ndarray:
    """A read-only copy by itself, that starts at a multiple of 64 bytes: a cache line, and the widest vector."""
    room = np.empty(len(vector) + 64 // vector.itemsize, vector.dtype)
    start = -room.ctypes.data % 64 // vector.itemsize
    copy = room[start : start + len(vector)]
    copy[...] = vector
    for array in (copy, room):  # else whoever has the one could set the other's flag
        array.flags.writeable = False
    return copy


def available_bytes() -> int:
    """Memory that is free for the asking: the system's, cut by what the control group still allows."""
    import psutil

    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (group / "memory.max").read_text(), (group / "memory.current").read_text()
        return min(free, int(limit) - int(used))
    except (OSError, ValueError):  # no group, or no limit
        return free
