"""Names, users' own kernels, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kernels import BackendUnavailable, Kernel, _jit_cache, backends, load, names, registry
from tests.problems import available, every_kernel, normal


def test_importing_the_package_loads_no_numba_no_jax_no_scikit_learn() -> None:
    code = "import sys, kernels; assert not {'numba', 'jax', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@every_kernel
def test_each_row_is_the_kernel_of_that_name(name: str) -> None:
    kernel = available(name)
    assert kernel.name == name
    assert kernel.summary
    assert "\n" not in kernel.summary
    assert kernel.backend.device == ("gpu" if name.endswith("-gpu") else "cpu")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nump", "no kernel is called 'nump'; the nearest: numpy"),
        ("zzz", "the nearest: loops, loops-examples, numpy"),
        ("file.py:", "names no attribute"),
        (":gradient", "names no attribute"),
        ("no/such/file.py:gradient", "there is no file no/such/file.py"),
        ("no_such_package.module:gradient", "importing it raised ModuleNotFoundError"),
        ("math:pi", "pi is a float; expected a Kernel or a function"),
        ("math:nothing", "no attribute 'nothing'"),
    ],
)
def test_bad_specs(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        load(spec)
    assert "\n" not in str(caught.value)


def test_a_file_that_fails_to_import(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def gradient(:\n")
    with pytest.raises(ValueError, match="importing it raised SyntaxError"):
        load(f"{tmp_path}/broken.py:gradient")


def test_a_plain_function_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('def gradient(X, y, w, b):\n    """Not right."""\n    return 1.0, w, b\n')
    kernel = load(f"{tmp_path}/mine.py:gradient")
    assert (kernel.name, kernel.summary, kernel.backend, kernel.passes) == (
        "mine:gradient", "Not right.", backends.NUMPY, None,
    )  # fmt: skip
    assert kernel.gradient(0, 0, "w", "b") == (1.0, "w", "b")


def test_a_kernel_of_the_users_own_keeps_everything_but_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from kernels.python_loops import LOOPS as FIRST\n")
    kernel = load(f"{tmp_path}/mine.py:FIRST")
    assert isinstance(kernel, Kernel)
    assert (kernel.name, kernel.backend) == ("mine:FIRST", backends.PYTHON)
    assert load("kernels.python_loops:LOOPS").name == "python_loops:LOOPS"


def test_a_missing_library_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.KERNELS, "numpy", "a_library_that_is_not_there.module:X")
    with pytest.raises(BackendUnavailable, match="^a_library_that_is_not_there is not installed$"):
        load("numpy")


def test_names_work_as_words_of_an_expression_for_pytest() -> None:
    assert all(name.replace("-", "").isalnum() for name in names())


def test_backends_round_wide_scalars_and_keep_arrays() -> None:
    single = np.dtype(np.float32)
    assert backends.NUMPY.asnumpy(1 / 3, single).dtype == np.float32
    assert backends.NUMPY.asnumpy(np.float64(1 / 3), single).dtype == np.float32
    assert backends.NUMPY.asnumpy(np.zeros(2), single).dtype == np.float64
    assert backends.NUMPY.asnumpy(np.float32(0), np.dtype(np.float64)).dtype == np.float32
    assert backends.PYTHON.asnumpy([0.1], single) == np.float32(0.1)


def test_python_gets_lists() -> None:
    assert backends.PYTHON.asarray(normal(2, 1).X)[0] == [normal(2, 1).X[0, 0]]
    assert type(backends.PYTHON.asarray(np.float32(0.5))) is float


def test_compiled_code_is_kept_by_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_jit_cache, "_KERNELS", tmp_path)
    (tmp_path / "a.py").write_text("1")
    first = _jit_cache.folder()
    assert _jit_cache.folder() == first
    (tmp_path / "helper").mkdir()
    (tmp_path / "helper" / "b.py").write_text("2")
    assert _jit_cache.folder() != first
