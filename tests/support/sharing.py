"""How the cores share the tests: which stay together on one, and which begin first.

Together are the tests of a file, since they share what it makes ready; and all of what Numba compiles in the tests'
own process, since each process would compile it anew. What takes long by itself begins first, or the other cores
would wait for it at the end.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

_FIRST = (
    "numba", "plugin/test_plugin", "cheaters", "explain/test_explain", "worker/test_process",
    "docs/test_docs_commands", "plugin/test_assertions", "race/test_revisions", "docs/test_checkout_states",
    "correctness/test_checks", "kernels/test_kernels", "report/test_browser",
)  # fmt: skip
"""By what they took on two cores, the longest first; whatever is not here takes less than five seconds."""
_COMPILED = re.compile(r"test_(fused|elementary)\.py::|\[.*\bnumba\b")


def group(nodeid: str) -> str:
    """The name of the tests that this one stays with."""
    file, _, name = nodeid.partition("::")
    if "test_explain" not in file and _COMPILED.search(nodeid):
        return "numba"
    if "cheater" in name:
        return "cheaters"
    return "/".join(file.removesuffix(".py").split("/")[-2:])


def place(nodeid: str) -> tuple[int, str]:
    """Where in the order of all tests it comes; those of one group keep theirs."""
    its = group(nodeid)
    return (_FIRST.index(its) if its in _FIRST else len(_FIRST)), its


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """pytest-xdist's, with groups in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
