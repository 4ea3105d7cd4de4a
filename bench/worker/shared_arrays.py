"""A workload's arrays, shared with the workers: one anonymous file, passed by descriptor.

It has no name, so nothing is left behind, and no limit of /dev/shm. Where arrays lie is worth 5-8% at cache-resident
sizes, so they begin at pages, large ones at huge pages, as NumPy's own large arrays do. The file is put on huge pages
where the system can (MADV_COLLAPSE, Linux 6.1), and all workers read the same memory; where it cannot, and for what
is smaller than a huge page, a worker takes a copy of X and y of its own (`private`), on huge pages if it gets them:
small ones cost 5-11%, and half of the speed at which large matrices can be read.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import sys
import tempfile
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

HUGE_PAGE = 2**21
_PROT_READ = 1
_MAP_FIXED = 0x10  # the same on Linux and macOS
_MADV_COLLAPSE = 25
"""From Linux's asm-generic/mman-common.h; Python's mmap does not name it yet."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_LIBC.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_LIBC.mprotect.argtypes = _LIBC.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


@dataclass(frozen=True)
class Shared:
    """An anonymous file with arrays, and where they lie in it."""

    descriptor: int
    table: dict[str, dict[str, Any]]
    bytes: int

    def close(self) -> None:
        """Give the memory back once no worker maps it."""
        os.close(self.descriptor)


def share_arrays(arrays: dict[str, np.ndarray], available_bytes: int) -> Shared:
    """Copy the arrays into an anonymous file. Raises MemoryError where it does not fit into what is available."""
    if (needed := sum(array.nbytes for array in arrays.values())) > available_bytes:
        raise MemoryError(f"{needed / 2**30:.2g} GiB of shared memory")  # an anonymous file is given without asking
    table, size = {}, 0
    for name, array in arrays.items():
        order = "C" if array.flags.c_contiguous else "F"
        size = _rounded_up(size, HUGE_PAGE if array.nbytes >= HUGE_PAGE else mmap.PAGESIZE)
        table[name] = {"offset": size, "shape": array.shape, "dtype": str(array.dtype), "order": order}
        size += _rounded_up(array.nbytes, mmap.PAGESIZE)
    size = _rounded_up(size, HUGE_PAGE if size >= HUGE_PAGE else mmap.PAGESIZE)
    descriptor = _anonymous_file()
    try:
        os.ftruncate(descriptor, size)
        memory = _Map(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        for name, array in arrays.items():
            memory.array(table[name])[...] = array
        memory.on_huge_pages()
        memory.close()
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


def map_arrays(descriptor: int, table: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    """The shared arrays, read-only: whoever writes into them dies of it."""
    size = os.fstat(descriptor).st_size
    memory = _Map(descriptor, size, mmap.MAP_PRIVATE, mmap.PROT_READ)
    memory.on_huge_pages()
    return {name: memory.array(entry) for name, entry in table.items()}


class _Map:
    """A file in memory, which begins at a huge page. It is gone when nobody looks into it any more."""

    def __init__(self, descriptor: int, size: int, flags: int, protection: int) -> None:
        # Python's own maps begin at any page, and cannot be told where to
        self._size = size
        around = _LIBC.mmap(None, size + HUGE_PAGE, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        self._start = _rounded_up(around, HUGE_PAGE)
        placed = _LIBC.mmap(self._start, self._size, protection, flags | _MAP_FIXED, descriptor, 0)
        if placed != self._start:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        buffer = (ctypes.c_ubyte * self._size).from_address(self._start)
        self._bytes = np.ctypeslib.as_array(buffer)
        self._bytes.flags.writeable = bool(protection & mmap.PROT_WRITE)
        self.close = weakref.finalize(buffer, _LIBC.munmap, around, self._size + HUGE_PAGE)

    def on_huge_pages(self) -> None:
        """As far as the system can and will."""
        if sys.platform == "linux":
            _LIBC.madvise(self._start, self._size, _MADV_COLLAPSE)

    def array(self, entry: dict[str, Any]) -> np.ndarray:
        """One of the arrays that lie in it."""
        where: Any = self._bytes.data  # NumPy's stubs ask for less than NumPy takes
        return np.ndarray(entry["shape"], entry["dtype"], where, entry["offset"], order=entry["order"])


def local_copy(descriptor: int, entry: dict[str, Any]) -> np.ndarray:
    """One of the shared arrays in memory of one's own: aligned to a huge page, huge pages asked for, read-only."""
    itemsize = np.dtype(entry["dtype"]).itemsize
    count = int(np.prod(entry["shape"], dtype=np.int64))
    size = _rounded_up(count * itemsize, HUGE_PAGE)
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
    _LIBC.mprotect(whole.ctypes.data + start, size, _PROT_READ)
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


def _rounded_up(number: int, step: int) -> int:
    return -(-number // step) * step
