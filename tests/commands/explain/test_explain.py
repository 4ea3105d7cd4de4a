"""`python -m bench explain`: from findings to sentences, and the whole command on kernels of each kind."""

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
        "call of a library": Group(1, "f64[4]", 32),
        "loop (while)": Group(1, "f64[100,4]", 3200),
        "reduction": Group(1, "f64[]", 8),
        "copy": Group(1, "f64[100,4]", 3200),
        "transpose": Group(1, "f64[1,100]", 800),
        "slice": Group(1, "f64[10,4]", 320),
    }
    # the dot, the copy, the library that takes the copy, and the slice in the loop; not what hands X on
    assert program.reads_of_x == 4
    assert program.steps == 5


def record(**more: Any) -> Record:
    counters = {"busy_threads": 2, "cores_used": 2.0, "page_faults_per_call": 0.0}
    return Record(
        **{
            "id": "", "operation": "gradient", "kernel": "mine", "backend": "numpy", "device": "cpu", "workload": "w",
            "m": 100_000, "n": 4, "dtype": "float64", "order": "C", "threads": 2, "outcome": "ok", "passes": 1,
            "seconds": Seconds(4e-3, None, None), "counters": counters, **more,
        }
    )  # fmt: skip


def program(**groups: Group) -> Program:
    return Program(5, groups, 1)


ONE = {"busy_threads": 1, "cores_used": 1.0, "page_faults_per_call": 0.0}
BOTH = SUM_X86 + SIGMOIDS_X86
VECTOR_SUM = SUM_X86.replace("xmm", "ymm").replace("sd	", "pd	")


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        (Findings(record()), ["One pass over X."]),
        (Findings(record(passes=2)), ["Two passes over X."]),
        (Findings(record(passes=1.5)), ["1.5 passes over X."]),
        (Findings(record(work={"read": 10 * 4_000_000})), ["One pass over X, 10 times in a call."]),
        (
            Findings(record(work={"read": 10 * 4_000_000}, backend="python", of="loops"), "loops"),
            [
                "One pass over X, 10 times in a call.",
                "It is Python code around the gradient kernel loops: python -m bench explain loops --workload w",
                "Python itself runs the loop: about 1 ns for each number in X.",
            ],
        ),
        (Findings(record(passes=None)), ["The kernel does not declare how often it reads X."]),
        (Findings(record(backend="python")), [..., "Python itself runs the loop: about 10 ns for each number in X."]),
        (
            Findings(record(), assembly=assembly.read(SIGMOIDS_X86)),
            [
                ...,
                "Scalar sigmoid: a loop calls exp and log1p for one number at a time.",
                "Gathers: the numbers of one vector are not contiguous in memory.",
            ],
        ),
        (
            Findings(record(), assembly=assembly.read(SUM_X86)),
            [
                ...,
                "Sequential sum: in one loop, 2 of 4 operations each wait for the one before.",
                "No instruction computes with more than one number at a time.",
            ],
        ),
        (
            Findings(record(), assembly=assembly.read(VECTOR_SUM)),
            [..., "1 of 1 innermost loops compute with vectors, in registers up to ymm."],
        ),
        (
            Findings(record(), program=program(transpose=Group(1, "f64[4,100000]", 3_200_000))),
            [..., "X is copied in each call: f64[4,100000]."],
        ),
        (
            Findings(record(), program=program(slice=Group(2, "f64[2048,4]", 65536))),
            [..., "Blocks of X are copied before they are used: f64[2048,4]."],
        ),
        (Findings(record(), program=program(copy=Group(4, "f64[]", 8))), [...]),
        (
            Findings(record(counters={**ONE, "page_faults_per_call": 98.0}), temporary_bytes=1_600_000),
            [
                ...,
                "98 page faults in each call: memory is allocated anew.",
                "Its temporaries are as large as 2 arrays of m numbers.",
            ],
        ),
        (Findings(record(counters=ONE)), [..., "Only one of its 2 threads computes."]),
        (Findings(record(counters=ONE), taken=0.5), [...]),  # unknown: others used half a core
        (Findings(record(counters=ONE, threads=1)), [...]),
        (Findings(record(counters=ONE, m=1000)), [...]),
        (Findings(record(counters=None)), [...]),
    ],
)
def test_sentences(findings: Findings, expected: list[Any]) -> None:
    first, *others = sentences(findings)
    assert first == expected[0] or expected[0] is ...
    assert others == expected[1:]


def test_a_scalar_sum_beside_a_vector_sum_is_not_reported() -> None:
    """LLVM adds scalar loops for the remainder; they take little of the time."""
    both = SUM_X86 + VECTOR_SUM.replace("LBB0", "LBB1").replace("3sum", "4sums")
    findings = Findings(record(), assembly=assembly.read(both))
    assert len(findings.innermost) == 2
    assert not any("Sequential sum" in text for text in sentences(findings))


def test_every_sentence_is_in_the_docs() -> None:
    page = (CHECKOUT / "docs" / "explain.md").read_text()
    assert [rule.name for rule in RULES] == re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)


def test_there_are_never_more_than_three_sentences() -> None:
    findings = Findings(record(counters=ONE, backend="python"), assembly=assembly.read(BOTH), temporary_bytes=10**7)
    assert sum(rule.when(findings) for rule in RULES) > 3
    assert len(sentences(findings)) == 3
    assert len(sentences(replace(findings, assembly=None))) == 3


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("numba-loops", ("arguments: (array(float32, 2d, C),", "calls of the math library: exp", "Scalar sigmoid")),
        pytest.param(
            *("numba", ("calls of the math library: none", "one_pass", "with vectors")),
            marks=pytest.mark.slow,  # it compiles for seconds
        ),
        ("numpy", ("BLAS", "temporaries: ", "Two passes over X.")),
        ("jax", ("product (dot): 2", "fusion: ", "temporaries: ", "Two passes over X.")),
    ],
)
def test_kernels_of_each_kind(kernel: str, expected: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", kernel, "--workload", "2000x8-f32"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{kernel} on 2000x8-f32: 2,000 × 8 float32 C, ")
    assert "agrees with the reference" in shown
    assert "page faults: " in shown
    assert "for orientation only" in shown
    assert all(text in shown for text in expected)
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("kernel", "expected", "unexpected"),
    [
        pytest.param(
            "numba-compiled",
            ("result: Path(", "one_pass ", "with vectors"),
            ("temporaries", "BLAS", "Python"),
            marks=pytest.mark.slow,  # it compiles twice
        ),
        ("numba-loops", ("result: Gradient(", "1d, C, writable)", "Scalar sigmoid"), ("temporaries", "BLAS")),
        ("jax-compiled", ("loop (while): ", "temporaries: "), ("BLAS", "Python")),
        ("jax", (), ("compiled by", "temporaries", "BLAS")),
        ("numpy", ("BLAS", "temporaries: "), ("compiled by",)),
    ],
)
def test_kernels_of_another_operation(
    kernel: str, expected: tuple[str, ...], unexpected: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", kernel, "--workload", "descend:2000x8-f32@steps=4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    shown = " ".join(word for line in lines for word in line.split())
    assert shown.startswith(f"{kernel} on descend:2000x8-f32@steps=4: 2,000 × 8 float32 C, ")
    assert "as it declares, 5 times in a call; a call moves at least 360 kB" in shown
    assert "each counted once for each cost" in shown
    around = f"It is Python code around the gradient kernel {kernel}: python -m bench explain {kernel} --workload 20"
    assert (around in shown) is not kernel.endswith("-compiled")
    assert [text for text in expected if text not in shown] == []
    assert [text for text in unexpected if text in shown] == []


def test_the_command_for_the_kernel_that_python_code_is_around_can_be_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("from kernels.gradient.numpy_vectorized import gradient\n")
    mine = f"{tmp_path}/mine.py:gradient"
    assert main(["explain", mine, "--workload", "descend:100x3@steps=2"]) == 0
    command = "".join(capsys.readouterr().out.partition("kernel mine:gradient: python -m bench ")[2].split("\n")[:4])
    first, *arguments = command.split()
    assert (first, arguments) == ("explain", [mine, "--workload", "100x3-f64"])
    assert main([first, *arguments]) == 0
    assert "Python code around" not in capsys.readouterr().out


def test_a_numba_function_called_from_python_is_inspected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(
        "from kernels.gradient.numba_loops import gradient as inner\n"
        "def gradient(X, y, w, b):\n    return inner(X, y, w, b)\n"
    )  # fmt: skip
    assert main(["explain", f"{tmp_path}/mine.py:gradient", "--workload", "100x3"]) == 0
    assert "compiled by Numba" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def gradient(X, y, w, b):\n    return 0.0, w, b\n", "mine:gradient on 100x3-f64: wrong: data: "),
        ("def gradient(X, y, w, b):\n    raise KeyError('no luck')\n", "raised: KeyError: 'no luck'"),
        ("import os\ndef gradient(X, y, w, b):\n    os.abort()\n", "crashed: SIGABRT"),
    ],
)
def test_no_figure_of_a_kernel_that_fails(
    source: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(source)
    assert main(["explain", f"{tmp_path}/mine.py:gradient", "--workload", "100x3-f64"]) == 1
    shown = capsys.readouterr().out
    assert expected in shown
    assert "during its calls" not in shown
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
    ("arguments", "expected"),
    [
        (["nump"], "error: no kernel is called 'nump'; the nearest: numpy"),
        (["numpy,jax"], "error: explain takes one kernel; 'numpy,jax' names 2"),
        (["numpy", "--workload", "lecture,flights"], "error: explain takes one workload; 'lecture,flights' names 2"),
        (["numpy", "--workload", "0x3"], "error: '0x3' has no examples"),
        (["numpy", "--workload", ","], "error: --workloads is empty"),
        (["numba-compiled"], "error: numba-compiled is a kernel of descend, and the workloads are of gradient: "),
    ],
)
def test_wrong_arguments(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(expected)
    assert captured.err.count("\n") == 1


def test_explaining_imports_no_compiler_here() -> None:
    """Only the kernel's process imports Numba and JAX."""
    code = (
        "import sys, bench.__main__ as command\n"
        "assert command.main(['explain', 'no-such-kernel']) == 2\n"
        "assert {'bench.race', 'bench.commands.explain.text'} <= set(sys.modules)\n"
        "assert not {'numba', 'jax', 'sklearn', 'pytest'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
