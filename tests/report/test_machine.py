"""The processor wherever it is named, and the warning of variables that keep a library from its best code."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bench.commands import machines
from bench.report import headline, markdown
from bench.report.machine import HANDICAPS, handicaps, processor
from bench.results.record import Record, Results, Seconds
from tests.support.records import MACHINE, OK, OPERATIONS, RESULTS
from tests.support.terminal import shown

ZEN5: dict[str, Any] = {"microarchitecture": "znver5", "vector_bits": 512}
KERNELS = ("loops", "numpy", "numpy-blocked", "sklearn", "numba", "jax", "torch")


def with_machine(results: Results, environment: dict[str, str], blas: Any = None, **known: Any) -> Results:
    software: Any = MACHINE["software"]
    machine = {**MACHINE, **known, "software": software | {"environment": environment, "blas": blas}}
    return replace(results, machine=machine)


def timed(kernel: str, **fields: Any) -> Record:
    return replace(OK, id=kernel, kernel=kernel, seconds=Seconds(1e-3, 9e-4, 2e-3), **fields)


def run(environment: dict[str, str], *records: Record, blas: Any = None) -> Results:
    chosen = records or tuple(map(timed, KERNELS))
    return with_machine(Results(RESULTS.run, MACHINE, (), chosen, OPERATIONS), environment, blas)


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({}, "Some CPU"),
        ({"microarchitecture": None, "vector_bits": None}, "Some CPU"),
        (ZEN5, "Some CPU (znver5, 512-bit vectors)"),
        ({"microarchitecture": "znver5"}, "Some CPU (znver5)"),
        ({"vector_bits": 256}, "Some CPU (256-bit vectors)"),
    ],
)
def test_the_processor_stands_wherever_its_name_does(known: dict[str, Any], text: str) -> None:
    results = with_machine(RESULTS, {}, **known)
    assert processor(results.machine) == text
    assert f"some-cpu-2c-01234567: {text}, 2 cores" in " ".join(shown(results).split())
    assert f"`some-cpu-2c-01234567`: {text}, 2 cores" in markdown.tables(results)
    page = machines.page({"some-cpu-2c-01234567": [results]})
    assert f"| {text} | 2 |" in page
    assert f"- CPU: {text}; cores: 2" in page
    console = Console(file=StringIO(), width=200)
    machines.summary(console, {"some-cpu-2c-01234567": [results]})
    assert f"  {text}, 2 cores" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_processor_stands_at_the_top_of_the_page() -> None:
    pytest.importorskip("altair")
    from bench.report.page.run_page import page_header

    assert page_header(with_machine(RESULTS, {}, None, **ZEN5)).subtitle.startswith(
        "Some CPU (znver5, 512-bit vectors), 2 cores"
    )
    assert page_header(RESULTS).subtitle.startswith("Some CPU, 2 cores")


@pytest.mark.parametrize(
    ("variable", "values", "harmless", "kernels"),
    [
        ("OPENBLAS_CORETYPE", ("Haswell",), ("",), "numpy, numpy-blocked, sklearn"),
        ("OPENBLAS_L2_SIZE", ("512",), ("",), "numpy, numpy-blocked, sklearn"),
        ("NPY_DISABLE_CPU_FEATURES", ("AVX512F AVX2",), ("",), "numpy, numpy-blocked, sklearn"),
        ("NPY_ENABLE_CPU_FEATURES", ("SSE3",), ("",), "numpy, numpy-blocked, sklearn"),
        ("NUMBA_CPU_NAME", ("generic",), ("",), "numba"),
        ("NUMBA_CPU_FEATURES", ("-avx512f",), ("",), "numba"),
        ("NUMBA_ENABLE_AVX", ("0",), ("1", ""), "numba"),
        ("NUMBA_OPT", ("0", "1", "2"), ("3", "max"), "numba"),
        ("NUMBA_DISABLE_JIT", ("1",), ("0",), "numba"),
        ("NUMBA_BOUNDSCHECK", ("1",), ("0",), "numba"),
        ("NUMBA_LOOP_VECTORIZE", ("0",), ("1",), "numba"),
        ("NUMBA_NUM_THREADS", (), ("1",), ""),
        (
            "XLA_FLAGS",
            (
                "--xla_cpu_max_isa=AVX2",
                "--a=1 --xla_cpu_multi_thread_eigen=false",
                "--xla_cpu_disable_slp_vectorizer",
            ),
            ("--xla_dump_to=(path)", "--xla_cpu_multi_thread_eigen=true", "--xla_force_host_platform_device_count=2"),
            "jax",
        ),
        ("JAX_DISABLE_JIT", ("1", "True"), ("0", "false"), "jax"),
        ("ATEN_CPU_CAPABILITY", ("default",), ("",), "torch"),
        ("TORCHDYNAMO_DISABLE", ("1",), ("0",), "torch"),
        ("OPENBLAS_VERBOSE", (), ("2",), ""),
        ("OMP_NUM_THREADS", (), ("1",), ""),
    ],
)
def test_a_variable_that_slows_kernels_is_named_with_them_and_with_the_remedy(
    variable: str, values: tuple[str, ...], harmless: tuple[str, ...], kernels: str
) -> None:
    for value in values:
        results = run({variable: value})
        (line,) = handicaps(results, results.records)
        assert line.startswith(f"{variable}={value} may slow {kernels}, since ")
        assert line.endswith(f"; measure again with env -u {variable} make bench")
    for value in harmless:
        assert not handicaps(run({variable: value}), run({}).records)


def test_the_line_says_which_code_blas_ran_and_names_several_variables_together() -> None:
    environment = {"OPENBLAS_L2_SIZE": "512", "OPENBLAS_CORETYPE": "Haswell", "NUMBA_ENABLE_AVX": "0"}
    results = run(environment, blas={"name": "openblas", "built_for": "Haswell"})
    assert handicaps(results, results.records) == [
        "OPENBLAS_CORETYPE=Haswell, OPENBLAS_L2_SIZE=512 may slow numpy, numpy-blocked, sklearn, since OpenBLAS may "
        "not use its best code (it ran that for Haswell); measure again with env -u OPENBLAS_CORETYPE "
        "-u OPENBLAS_L2_SIZE make bench",
        "NUMBA_ENABLE_AVX=0 may slow numba, since Numba may not use its best code; measure again with env -u "
        "NUMBA_ENABLE_AVX make bench",
    ]


def test_only_the_blas_that_numpy_has_is_held_back() -> None:
    environment = {"OPENBLAS_CORETYPE": "Haswell", "MKL_CBWR": "COMPATIBLE"}
    only_numpy = timed("numpy")
    for name, variable in (("openblas", "OPENBLAS_CORETYPE"), ("mkl", "MKL_CBWR")):
        results = run(environment, only_numpy, blas={"name": name})
        (line,) = handicaps(results, results.records)
        assert line.startswith(variable)
    assert len(handicaps(run(environment, only_numpy), [only_numpy])) == 2  # which BLAS it is is not known


def test_only_timed_kernels_on_the_processor_are_named() -> None:
    environment = {"JAX_DISABLE_JIT": "1", "OPENBLAS_CORETYPE": "Haswell"}
    on_gpu, untimed = timed("jax-gpu", backend="jax-gpu", device="gpu"), replace(timed("numpy"), seconds=None)
    assert not handicaps(run(environment, on_gpu, untimed), [on_gpu, untimed])
    own = timed("mine:f", backend="jax-cpu"), timed("mine:g", backend="numpy")
    lines = handicaps(run(environment, *own), own)
    assert ["may slow mine:g," in lines[0], "may slow mine:f," in lines[1], len(lines)] == [True, True, 2]


def test_the_warning_stands_once_in_the_terminal_in_markdown_and_on_the_page() -> None:
    results = run({"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "x" * 500})
    for text in (shown(results), markdown.tables(results), "\n".join(headline.warnings(results))):
        assert " ".join(text.split()).count("-u NUMBA_CPU_NAME -u NUMBA_CPU_FEATURES make bench") == 1
    for text in (shown(results), "\n".join(headline.warnings(results))):
        assert "x" * 50 not in text
    assert "may slow" not in shown(RESULTS) + markdown.tables(RESULTS) + "".join(headline.warnings(RESULTS))
    without_numba = run({"NUMBA_CPU_NAME": "generic"}, timed("numpy"))
    assert "may slow" not in shown(without_numba) + markdown.tables(without_numba)


def test_each_variable_stands_once_for_each_library() -> None:
    for handicap in HANDICAPS:
        assert handicap.variables
        assert handicap.kernels
    numba = next(one for one in HANDICAPS if one.library == "Numba").variables
    from numba.core import config

    names = {name.removeprefix("NUMBA_") for name in numba} - {"DEBUGINFO"}
    assert all(hasattr(config, name) for name in names)


def test_a_machine_shows_its_newest_run_of_several_workloads_of_the_gradient() -> None:
    """Later runs of one workload or of another operation say less of the machine."""
    whole = run({}, *(timed("numba", workload=f"{m}x2-f64", m=m) for m in (10, 20, 30)))
    part = replace(run({}, timed("jax", workload="lecture")), run={**RESULTS.run, "began": "2027-01-01T00:00:00"})
    other = replace(part, records=tuple(timed("sort", operation="sort", workload=f"sort:{m}") for m in (1, 2, 3)))
    page = machines.page({"some-cpu-2c-01234567": [whole, part, other]})
    assert "30x2-f64" in page
    assert "sort" not in page
    assert "lecture" in machines.page({"some-cpu-2c-01234567": [part]})
