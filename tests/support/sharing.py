"""How pytest-xdist distributes the tests: which tests stay in one process, and which start first.

The tests of a file stay together, because they share fixtures. Tests that compile Numba code in their own process
stay together, because each process would compile it again. Long groups start first; otherwise the other processes
would wait for them at the end.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

FIRST = (
    "numba", "plugin/test_plugin", "cheaters", "explain/test_explain", "descend/test_descents", "worker/test_process",
    "docs/test_docs_commands", "plugin/test_assertions", "plugin/test_operations", "race/test_revisions",
    "docs/test_checkout_states", "gradient/test_probes", "gradient/test_kernels", "report/test_browser",
)  # fmt: skip
"""Groups by their duration on two cores, the longest first; all others take less than five seconds."""
_COMPILED = re.compile(r"test_(fused|elementary)\.py::|\[.*\bnumba\b")


def group(nodeid: str) -> str:
    """The group of a test: tests of one group run in one process."""
    file, _, name = nodeid.partition("::")
    if "test_explain" not in file and _COMPILED.search(nodeid):
        return "numba"
    if "cheater" in name:
        return "cheaters"
    return "/".join(file.removesuffix(".py").split("/")[-2:])


def sort_key(nodeid: str) -> tuple[int, str]:
    """Sort key of a test; tests of one group keep their order."""
    name = group(nodeid)
    return (FIRST.index(name) if name in FIRST else len(FIRST)), name


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """pytest-xdist's scheduler, with our groups as scopes."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
