"""Which processor it is: LLVM's answer, or None where there is none. It never changes the machine's id."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bench.host import machine, processor, resources
from bench.results import run_file
from tests.support.committed import committed


class Llvm:
    """llvmlite's binding of a simulated machine."""

    def __init__(self, name: str, *features: str) -> None:
        self._name, self._features = name, features

    def get_host_cpu_name(self) -> str:
        return self._name

    def get_host_cpu_features(self) -> dict[str, bool]:
        everything = ("sse2", "avx", "avx2", "avx512f", "avx512vl", "neon", "sve")
        return {feature: feature in self._features for feature in everything}


@pytest.mark.parametrize(
    ("llvm", "name", "bits"),
    [
        (Llvm("znver5", "sse2", "avx", "avx2", "avx512f", "avx512vl"), "znver5", 512),
        (Llvm("znver3", "sse2", "avx", "avx2"), "znver3", 256),
        (Llvm("sandybridge", "sse2", "avx"), "sandybridge", 256),
        (Llvm("x86-64", "sse2"), None, 128),
        (Llvm("neoverse-v2", "neon", "sve"), "neoverse-v2", 128),
        (Llvm("generic"), None, None),
        (Llvm(""), None, None),
    ],
)
def test_the_name_and_the_widest_vectors(
    llvm: Llvm, name: str | None, bits: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "_llvm", lambda: llvm)
    assert (processor.microarchitecture(), processor.vector_bits()) == (name, bits)


@pytest.mark.parametrize(
    "error", [ImportError("no llvmlite"), RuntimeError("unsupported"), AttributeError("renamed")]
)
def test_without_an_answer_nothing_is_known(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Any:
        raise error

    monkeypatch.setattr(processor, "_llvm", fails)
    assert (processor.microarchitecture(), processor.vector_bits()) == (None, None)


def test_this_processors_vectors_are_those_that_the_system_lists() -> None:
    listed = re.search(r"^flags\s*:(.*)$", (resources.read_file("/proc/cpuinfo") or ""), re.MULTILINE)
    if listed is None:
        pytest.skip("this system does not list the flags of an x86 processor")
    flags = listed[1].split()
    expected = 512 if "avx512f" in flags else 256 if "avx" in flags else 128
    assert processor.vector_bits() == expected


def test_the_fingerprint_has_both_beside_the_id_and_the_id_does_not_depend_on_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fingerprints = []
    monkeypatch.setattr(machine, "identity", machine.identity.__wrapped__)  # nothing remembered
    for llvm in (Llvm("znver5", "avx512f"), Llvm("znver3", "avx2"), Llvm("generic")):
        monkeypatch.setattr(processor, "_llvm", lambda llvm=llvm: llvm)
        fingerprints.append(machine.fingerprint.__wrapped__())
    known = [(one["microarchitecture"], one["vector_bits"]) for one in fingerprints]
    assert known == [("znver5", 512), ("znver3", 256), (None, None)]
    assert len({one["id"] for one in fingerprints}) == 1
    for one in fingerprints:
        assert not {"microarchitecture", "vector_bits"} & one["hardware"].keys()
        assert machine.short_id(one["hardware"]) == one["id"]


def test_the_ids_of_the_committed_files_are_those_of_their_hardware() -> None:
    machines = {file.parent.name: run_file.read(file).machine for file in committed()}
    assert machines
    for folder, fingerprint in machines.items():
        assert machine.short_id(fingerprint["hardware"]) == fingerprint["id"] == folder
