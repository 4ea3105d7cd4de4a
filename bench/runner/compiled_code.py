"""Where workers keep compiled code: that of the project's kernels from run to run, that of others for one run.

The folder of the project's kernels is named by a digest of their sources, the processor and the compiler's settings,
so code of another state is never loaded. A user's kernel may import what no digest knows.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

from kernels import _jit_cache, registry
from kernels.ceilings import specs as ceilings

_KEPT_STATES = 4
"""Of the sources, the newest: each takes some megabytes."""


def folder_of(spec: str, run_folder: Path) -> Path:
    """The folder for a kernel's compiled code. run_folder: that of this run, empty at its start."""
    if spec in registry.all_names() or spec in ceilings.SPECS.values():
        return _kept_folder()
    return run_folder


@cache
def _kept_folder() -> Path:
    folder = _jit_cache.folder()
    with suppress(OSError):  # the checkout is not writable: then nothing is kept
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        states = sorted(folder.parent.iterdir(), key=lambda state: state.stat().st_mtime)
        for old in states[:-_KEPT_STATES]:
            shutil.rmtree(old, ignore_errors=True)
    return folder
