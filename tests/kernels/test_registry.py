"""Names, users' own kernels, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kernels import BackendUnavailable, Kernel, _jit_cache, backends, load, names, registry
from tests.support.problems import available, every_kernel, normal


def test_importing_the_package_loads_no_numba_no_jax_no_scikit_learn_no_torch() -> None:
    code = "import sys, kernels; assert not {'numba', 'jax', 'sklearn', 'torch'} & set(sys.modules)"
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


def test_what_an_extra_would_bring_is_said_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "kernels.peers.torch", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)  # which Python takes for a module that is not there
    with pytest.raises(BackendUnavailable) as caught:
        load("torch")
    assert str(caught.value) == "torch is not installed: pip install -c constraints.txt '.[peers]'"


def test_torchs_compiler_is_imported_for_the_kernel_that_needs_it_only() -> None:
    available("torch")
    code = "import sys, kernels; kernels.load('torch'); assert 'torch._dynamo' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torch_looks_into_read_only_arrays_where_they_lie() -> None:
    backend = available("torch").backend
    for array in (normal(3, 2).X, normal(3, 2, order="F").X, normal(3, 2).w):
        placed = backend.asarray(array)
        assert placed.data_ptr() == array.ctypes.data
        np.testing.assert_array_equal(backend.asnumpy(placed, array.dtype), array)
    assert backend.asarray(np.float32(0.5)).shape == ()
    with pytest.raises(TypeError, match="a float; expected a tensor"):
        backend.asnumpy(0.5, np.dtype(np.float64))


@pytest.mark.parametrize("missing", ["compiler", "headers"])
def test_torch_compile_says_what_it_lacks(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    available("torch")
    backends._inductor_lacks.cache_clear()
    if missing == "compiler":
        monkeypatch.setenv("CXX", "no-such-compiler")
    else:
        monkeypatch.setattr("sysconfig.get_path", lambda _name: "no-such-folder")
        monkeypatch.setattr("shutil.which", lambda name: name)
    says = {"compiler": "there is no no-such-compiler: install it", "headers": "install Python's headers"}
    try:
        with pytest.raises(BackendUnavailable, match=f"torch.compile needs .*{says[missing]}"):
            load("torch-compile")
    finally:
        backends._inductor_lacks.cache_clear()
