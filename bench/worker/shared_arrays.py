"""A workload's arrays in memory shared with the workers: one anonymous file, passed by descriptor.

The file has no name, so nothing remains after a crash, and the size of /dev/shm does not limit it. The position of an
array in memory is worth 5-8% at cache-resident sizes, so arrays start at page boundaries, and large ones at huge-page
boundaries, as NumPy's own large arrays do. Where the system can put the file on huge pages (MADV_COLLAPSE, Linux
6.1), all workers read the same memory. Elsewhere, and for arrays smaller than a huge page, each worker makes its own
copy of X and y (`local_copy`), on huge pages if the system provides them: small pages cost 5-11%, and half of the
bandwidth for large matrices.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

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
    """An anonymous file with arrays, and the offset, shape, dtype and order of each."""

    descriptor: int
    table: dict[str, dict[str, Any]]

    def close(self) -> None:
        """Release the memory once no worker maps it."""
        os.close(self.descriptor)


def share_arrays(arrays: dict[str, np.ndarray], available_bytes: int) -> Shared:
    """Copy the arrays into an anonymous file. Raises MemoryError where they need more than is available."""
    if (needed := sum(array.nbytes for array in arrays.values())) > available_bytes:
        # the system creates an anonymous file of any size, and fails only when it is written
        raise MemoryError(f"{needed / 2**30:.2g} GiB of shared memory")
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
        memory = _Mapping(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        for name, array in arrays.items():
            memory.array(table[name])[...] = array
        memory.request_huge_pages()
        memory.close()
        _seal(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise MemoryError(f"{size / 2**30:.2g} GiB of shared memory: {error.strerror}") from error
    return Shared(descriptor, table)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("logitbench", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:  # macOS
        return os.dup(file.fileno())


def _seal(descriptor: int) -> None:
    """Make the file read-only for everybody, even for a kernel that writes to every descriptor that it finds."""
    if hasattr(fcntl, "F_ADD_SEALS"):
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def map_arrays(descriptor: int, table: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    """The shared arrays, in read-only pages: a write is a segmentation fault."""
    size = os.fstat(descriptor).st_size
    memory = _Mapping(descriptor, size, mmap.MAP_PRIVATE, mmap.PROT_READ)
    memory.request_huge_pages()
    return {name: memory.array(entry) for name, entry in table.items()}


class _Mapping:
    """A file mapped at a huge-page boundary. It is unmapped when no array refers to it any more."""

    def __init__(self, descriptor: int, size: int, flags: int, protection: int) -> None:
        # Python's mmap module cannot map at a given address
        self._size = size
        reserved = _LIBC.mmap(None, size + HUGE_PAGE, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        self._start = _rounded_up(reserved, HUGE_PAGE)
        address = _LIBC.mmap(self._start, self._size, protection, flags | _MAP_FIXED, descriptor, 0)
        if address != self._start:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        buffer = (ctypes.c_ubyte * self._size).from_address(self._start)
        self._bytes = np.ctypeslib.as_array(buffer)
        self._bytes.flags.writeable = bool(protection & mmap.PROT_WRITE)
        self.close = weakref.finalize(buffer, _LIBC.munmap, reserved, self._size + HUGE_PAGE)

    def request_huge_pages(self) -> None:
        """Ask the system for huge pages; it may refuse."""
        if sys.platform == "linux":
            _LIBC.madvise(self._start, self._size, _MADV_COLLAPSE)

    def array(self, entry: dict[str, Any]) -> np.ndarray:
        """The array of this entry of the table."""
        buffer: Any = self._bytes.data  # NumPy accepts a memoryview; its stubs do not
        return np.ndarray(entry["shape"], entry["dtype"], buffer, entry["offset"], order=entry["order"])


def local_copy(descriptor: int, entry: dict[str, Any]) -> np.ndarray:
    """A read-only private copy of one shared array, aligned to a huge page and on huge pages if possible."""
    itemsize = np.dtype(entry["dtype"]).itemsize
    count = int(np.prod(entry["shape"], dtype=np.int64))
    size = _rounded_up(count * itemsize, HUGE_PAGE)
    memory = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    allocated = np.frombuffer(memory, np.uint8)
    start = -allocated.ctypes.data % HUGE_PAGE
    target = memoryview(allocated.data)[start : start + count * itemsize]
    read = 0
    while read < len(target):  # reading the file avoids a page fault for each small page of a mapping
        read += os.preadv(descriptor, [target[read:]], entry["offset"] + read)
    array = np.frombuffer(target, entry["dtype"]).reshape(entry["shape"], order=entry["order"])
    _LIBC.mprotect(allocated.ctypes.data + start, size, _PROT_READ)
    array.flags.writeable = False
    return array


@contextmanager
def overwritten(mapped: np.ndarray, row: int, values: np.ndarray) -> Iterator[None]:
    """Overwrite a row of an array of `map_arrays`, in this process only; restored in the end."""
    size = _rounded_up(mapped.nbytes, mmap.PAGESIZE)
    writable = np.ctypeslib.as_array((ctypes.c_ubyte * mapped.nbytes).from_address(mapped.ctypes.data))
    rows = writable.view(mapped.dtype).reshape(mapped.shape, order="C" if mapped.flags.c_contiguous else "F")
    before = mapped[row].copy()

    def write(new: np.ndarray) -> None:
        _LIBC.mprotect(mapped.ctypes.data, size, mmap.PROT_READ | mmap.PROT_WRITE)
        rows[row] = new
        _LIBC.mprotect(mapped.ctypes.data, size, mmap.PROT_READ)

    write(values)
    try:
        yield
    finally:
        write(before)


def aligned(array: np.ndarray) -> np.ndarray:
    """A read-only copy, in the same order, that starts at a multiple of 64 bytes: a cache line, and the widest SIMD
    register.
    """
    size, itemsize = array.size, array.itemsize
    allocated: Any = np.empty(size + 64 // itemsize, array.dtype)
    # its address, in a fifth of the time that `allocated.ctypes.data` takes
    start = -ctypes.addressof(ctypes.c_char.from_buffer(allocated)) % 64 // itemsize
    copy: np.ndarray = allocated[start : start + size]
    if array.ndim != 1:
        order: Literal["C", "F"] = "C" if array.flags.c_contiguous else "F"
        copy = copy.reshape(array.shape, order=order)
    copy[...] = array
    allocated.setflags(write=False)  # NumPy lets a view be made writable again while its base is writable
    copy.setflags(write=False)
    return copy


def _rounded_up(number: int, step: int) -> int:
    return -(-number // step) * step
