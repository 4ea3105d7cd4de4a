"""python -m bench explain: from what is seen to sentences, and whole on kernels of each kind."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.commands.explain import assembly, hlo
from bench.commands.explain.findings import Findings
from bench.commands.explain.hlo import Group, Program
from bench.commands.explain.sentences import RULES, sentences
from bench.host.checkout import CHECKOUT
from bench.results.record import Record, Seconds
from tests.support.assembly import SIGMOIDS_X86, SUM_X86

HLO = """
HloModule jit_gradient, entry_computation_layout={(f64[100,4]{1,0})->f64[4]{0}}

%fused_computation (p.0: f64[100,1]) -> f64[] {
  %p.0 = f64[100,1]{1,0} parameter(0)
  %t = f64[1,100]{1,0} transpose(%p.0), dimensions={1,0}
  ROOT %r = f64[] reduce(%t, %p.0), dimensions={0,1}, to_apply=%region
}

%unused (p.1: f64[9]) -> f64[9] {
  ROOT %p.1 = f64[9]{0} dot(%p.1, %p.1)
}

%body (a: (s64[], f64[100,4])) -> (s64[], f64[100,4]) {
  %a = (s64[], f64[100,4]{1,0}) parameter(0)
  %x = f64[100,4]{1,0} get-tuple-element(%a), index=1
  %i = s64[] get-tuple-element(%a), index=0
  %block = f64[10,4]{1,0} dynamic-slice(%x, %i, %i), dynamic_slice_sizes={10,4}
  ROOT %out = (s64[], f64[100,4]{1,0}) tuple(%i, %x)
}

%condition (a.1: (s64[], f64[100,4])) -> pred[] {
  %a.1 = (s64[], f64[100,4]{1,0}) parameter(0)
  ROOT %no = pred[] constant(false)
}

ENTRY %main (X: f64[100,4], w: f64[4]) -> f64[4] {
  %X = f64[100,4]{1,0} parameter(0), metadata={op_name="X"}
  %w = f64[4]{0} parameter(1)
  %wide = f64[4,1]{1,0} bitcast(%w)
  %dot = f64[100,1]{1,0} dot(%X, %wide), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  %cost = f64[] fusion(%dot), kind=kLoop, calls=%fused_computation, metadata={op_name="jit(f)/sum"}
  %start = (s64[], f64[100,4]{1,0}) tuple(%cost, %X)
  %while = (s64[], f64[100,4]{1,0}) while(%start), condition=%condition, body=%body
  %again = f64[100,4]{0,1} copy(%X)
  ROOT %gemm = (f64[4]{0}, s8[16]{0}) custom-call(%again, %dot), custom_call_target="cublas"
}
"""


def test_the_steps_of_a_compiled_program() -> None:
    program = hlo.read(HLO, 400)
    assert program.groups == {
        "fusion": Group(1, "f64[]", 8),
        "product (dot)": Group(1, "f64[100,1]", 800),
        "call of a library": Group(1, "f64[4]", 48),
        "loop (while)": Group(1, "f64[100,4]", 3208),
        "reduction": Group(1, "f64[]", 8),
        "copy": Group(1, "f64[100,4]", 3200),
        "transpose": Group(1, "f64[1,100]", 800),
        "slice": Group(1, "f64[10,4]", 320),
    }
    # the dot, the copy, the library that takes the copy, and the slice in the loop; not what hands X on
    assert program.reads_of_x == 4
    assert program.steps == 5


def record(**more: Any) -> Record:
    seen = {"busy_threads": 2, "cores_used": 2.0, "page_faults_per_call": 0.0}
    return Record(
        **{
            "id": "", "operation": "gradient", "kernel": "mine", "backend": "numpy", "device": "cpu", "workload": "w",
            "m": 100_000, "n": 4, "dtype": "float64", "order": "C", "threads": 2, "outcome": "ok", "passes": 1,
            "seconds": Seconds(4e-3, None, None), "seen": seen, **more,
        }
    )  # fmt: skip


def program(**groups: Group) -> Program:
    return Program(5, groups, 1)


ONE = {"busy_threads": 1, "cores_used": 1.0, "page_faults_per_call": 0.0}
BOTH = SUM_X86 + SIGMOIDS_X86.replace("LBB", "LBBX")
VECTOR_SUM = SUM_X86.replace("xmm", "ymm").replace("sd	", "pd	")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Findings(record()), ["One pass over X."]),
        (Findings(record(passes=2)), ["Two passes over X."]),
        (Findings(record(passes=1.5)), ["1.5 passes over X."]),
        (Findings(record(passes=None)), ["How often it reads X is not known: it does not say."]),
        (Findings(record(backend="python")), [..., "Python itself loops: about 10 ns for each number of X."]),
        (
            Findings(record(), assembly=assembly.read(SIGMOIDS_X86)),
            [
                ...,
                "Scalar sigmoid: a loop calls exp and log1p, for one number at a time.",
                "It gathers: numbers of one vector do not lie side by side in memory.",
            ],
        ),
        (
            Findings(record(), assembly=assembly.read(SUM_X86)),
            [
                ...,
                "A sum is taken number after number: in a loop 2 of 4 operations wait for one another.",
                "No instruction computes with more than one number.",
            ],
        ),
        (
            Findings(record(), assembly=assembly.read(VECTOR_SUM)),
            [..., "1 of 1 innermost loops compute in vectors, up to ymm wide."],
        ),
        (
            Findings(record(), program=program(transpose=Group(1, "f64[4,100000]", 3_200_000))),
            [..., "X is written to memory once more: f64[4,100000] is a copy."],
        ),
        (
            Findings(record(), program=program(slice=Group(2, "f64[2048,4]", 65536))),
            [..., "Blocks of X are copied before they are used: f64[2048,4]."],
        ),
        (Findings(record(), program=program(copy=Group(4, "f64[]", 8))), [...]),
        (
            Findings(record(seen={**ONE, "page_faults_per_call": 98.0}), temporary_bytes=1_600_000),
            [
                ...,
                "98 page faults in each call: memory is asked for anew.",
                "Its temporaries are as large as 2 arrays of m numbers.",
            ],
        ),
        (Findings(record(seen=ONE)), [..., "One thread computes, of 2 that it was given."]),
        (Findings(record(seen=ONE), taken=0.5), [...]),  # who knows, where others took half a core
        (Findings(record(seen=ONE, threads=1)), [...]),
        (Findings(record(seen=ONE, m=1000)), [...]),
        (Findings(record(seen=None)), [...]),
    ],
)
def test_sentences(found: Findings, says: list[Any]) -> None:
    first, *others = sentences(found)
    assert first == says[0] or says[0] is ...
    assert others == says[1:]


def test_a_vector_sum_elsewhere_speaks_for_the_scalar_one() -> None:
    """LLVM leaves scalar loops for what is left over; they are not what the time goes to."""
    both = SUM_X86 + VECTOR_SUM.replace("LBB0", "LBB1").replace("3sum", "4sums")
    assert not any(
        "number after number" in text for text in sentences(Findings(record(), assembly=assembly.read(both)))
    )


def test_every_sentence_is_in_the_docs() -> None:
    page = (CHECKOUT / "docs" / "explain.md").read_text()
    assert [rule.name for rule in RULES] == re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)


def test_there_are_never_more_than_three_sentences() -> None:
    found = Findings(record(seen=ONE, backend="python"), assembly=assembly.read(BOTH), temporary_bytes=10**7)
    assert sum(rule.when(found) for rule in RULES) > 3
    assert len(sentences(found)) == 3
    assert len(sentences(replace(found, assembly=None))) == 3


@pytest.mark.parametrize(
    ("kernel", "says"),
    [
        ("numba-loops", ("for (array(float32, 2d, C),", "calls of the mathematical library: exp", "Scalar sigmoid")),
        ("numba", ("calls of the mathematical library: none", "_part", "in vectors")),
        ("numpy", ("BLAS", "temporaries: ", "Two passes over X.")),
        ("jax", ("product (dot): 2", "fusion: ", "temporaries: ", "Two passes over X.")),
    ],
)
def test_kernels_of_each_kind(kernel: str, says: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", kernel, "--workload", "2000x8-f32"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{kernel} on 2000x8-f32: 2,000 × 8 float32 C, ")
    assert "agrees with the reference" in shown
    assert "page faults: " in shown
    assert "for orientation only" in shown
    assert all(text in shown for text in says)
    assert max(map(len, shown.splitlines())) <= 80


def test_what_a_python_function_calls_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(
        "from kernels.numba_loops import gradient as inner\n"
        "def gradient(X, y, w, b):\n    return inner(X, y, w, b)\n"
    )  # fmt: skip
    assert main(["explain", f"{tmp_path}/mine.py:gradient", "--workload", "100x3"]) == 0
    assert "compiled by Numba" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def gradient(X, y, w, b):\n    return 0.0, w, b\n", "mine:gradient on 100x3-f64: wrong: data: "),
        ("def gradient(X, y, w, b):\n    raise KeyError('no luck')\n", "raised: KeyError: 'no luck'"),
        ("import os\ndef gradient(X, y, w, b):\n    os.abort()\n", "crashed: SIGABRT"),
    ],
)
def test_no_figure_of_a_kernel_that_fails(
    source: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(source)
    assert main(["explain", f"{tmp_path}/mine.py:gradient", "--workload", "100x3-f64"]) == 1
    shown = capsys.readouterr().out
    assert says in shown
    assert "while it was called" not in shown
    assert shown.count("\n") == 1


def test_an_unavailable_kernel_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(
        "from kernels import Backend, BackendUnavailable, Kernel\n"
        "def nowhere(_):\n    raise BackendUnavailable('no such device here')\n"
        "mine = Kernel('mine', Backend('none', 'gpu', nowhere, None, None), '', 1, None)\n"
    )
    assert main(["explain", f"{tmp_path}/mine.py:mine", "--workload", "100x3-f64"]) == 1
    assert "unavailable: no such device here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nump"], "error: no kernel is called 'nump'; the nearest: numpy"),
        (["numpy,jax"], "error: explain takes one kernel; 'numpy,jax' names 2"),
        (["numpy", "--workload", "lecture,flights"], "error: explain takes one workload; 'lecture,flights' names 2"),
        (["numpy", "--workload", "0x3"], "error: '0x3' has no examples"),
        (["numpy", "--workload", ","], "error: --workloads is empty"),
    ],
)
def test_mistakes(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(says)
    assert captured.err.count("\n") == 1


def test_explaining_imports_no_compiler_here() -> None:
    """Numba and JAX are the kernel's process's business."""
    code = (
        "import sys, bench.__main__ as command\n"
        "assert command.main(['explain', 'no-such-kernel']) == 2\n"
        "assert {'bench.race', 'bench.commands.explain.text'} <= set(sys.modules)\n"
        "assert not {'numba', 'jax', 'sklearn', 'pytest'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
