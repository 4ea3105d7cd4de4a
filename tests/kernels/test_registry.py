"""The registry and the backends: names, users' own kernels, and what an import loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kernels import BackendUnavailable, Kernel, _jit_cache, backends, load, names, registry
from tests.support.problems import available, normal


def test_importing_the_package_imports_no_numba_jax_scikit_learn_or_torch() -> None:
    code = "import sys, kernels; assert not {'numba', 'jax', 'sklearn', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("operation", "name"), [(operation, name) for operation in registry.OPERATIONS for name in names(operation)]
)
def test_each_row_of_the_table_is_the_kernel_of_this_name(operation: str, name: str) -> None:
    kernel = available(name, operation)
    assert (kernel.name, kernel.operation) == (name, operation)
    assert kernel.summary
    assert "\n" not in kernel.summary
    assert kernel.backend.device == ("gpu" if name.endswith("-gpu") else "cpu")


@pytest.mark.parametrize(
    ("spec", "message"),
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
def test_an_invalid_spec_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load(spec)
    assert "\n" not in str(caught.value)


def test_a_file_whose_import_fails_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def gradient(:\n")
    with pytest.raises(ValueError, match="importing it raised SyntaxError"):
        load(f"{tmp_path}/broken.py:gradient")


def test_a_users_plain_function_becomes_a_kernel(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('def gradient(X, y, w, b):\n    """Not right."""\n    return 1.0, w, b\n')
    kernel = load(f"{tmp_path}/mine.py:gradient")
    assert (kernel.name, kernel.summary, kernel.backend, kernel.passes) == (
        "mine:gradient", "Not right.", backends.NUMPY, None,
    )  # fmt: skip
    assert kernel.built(None)(0, 0, "w", "b") == (1.0, "w", "b")


def test_a_users_kernel_keeps_all_fields_but_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from kernels.gradient.python_loops import LOOPS as FIRST\n")
    kernel = load(f"{tmp_path}/mine.py:FIRST")
    assert isinstance(kernel, Kernel)
    assert (kernel.name, kernel.backend) == ("mine:FIRST", backends.PYTHON)
    assert load("kernels.gradient.python_loops:LOOPS").name == "python_loops:LOOPS"


def test_a_users_backend_that_cannot_place_an_array_makes_a_kernel_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from kernels import Backend, BackendUnavailable, Kernel\n"
        "def asarray(array):\n    raise BackendUnavailable('no such device')\n"
        "def gradient(*_): ...\n"
        "KERNEL = Kernel('x', Backend('x', 'gpu', asarray, gradient, gradient), '', 1, gradient)\n"
    )
    with pytest.raises(BackendUnavailable, match="no such device"):
        load(f"{tmp_path}/mine.py:KERNEL")


def test_a_missing_library_makes_a_kernel_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.KERNELS["gradient"], "numpy", "a_library_that_is_not_there.module:X")
    with pytest.raises(BackendUnavailable, match="^a_library_that_is_not_there is not installed$"):
        load("numpy")


def test_names_are_valid_in_an_expression_for_pytest() -> None:
    assert all(name.replace("-", "").isalnum() for name in registry.all_names())


def test_backends_round_python_floats_and_keep_the_dtype_of_arrays() -> None:
    float32 = np.dtype(np.float32)
    assert backends.NUMPY.asnumpy(1 / 3, float32).dtype == np.float32
    assert backends.NUMPY.asnumpy(np.float64(1 / 3), float32).dtype == np.float32
    assert backends.NUMPY.asnumpy(np.zeros(2), float32).dtype == np.float64
    assert backends.NUMPY.asnumpy(np.float32(0), np.dtype(np.float64)).dtype == np.float32
    assert backends.PYTHON.asnumpy([0.1], float32) == np.float32(0.1)


def test_the_python_backend_places_lists() -> None:
    assert backends.PYTHON.asarray(normal(2, 1).X)[0] == [normal(2, 1).X[0, 0]]
    assert type(backends.PYTHON.asarray(np.float32(0.5))) is float


def test_the_cache_folder_depends_on_all_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_jit_cache, "_KERNELS", tmp_path)
    (tmp_path / "a.py").write_text("1")
    first = _jit_cache.folder()
    assert _jit_cache.folder() == first
    (tmp_path / "helper").mkdir()
    (tmp_path / "helper" / "b.py").write_text("2")
    assert _jit_cache.folder() != first


@pytest.mark.parametrize("name", ["CPU_NAME", "CPU_FEATURES", "ENABLE_AVX", "OPT", "LOOP_VECTORIZE"])
def test_the_cache_folder_depends_on_the_settings_of_numbas_compiler(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _jit_cache.folder()
    monkeypatch.setenv(f"NUMBA_{name}", "-avx512f")
    assert _jit_cache.folder() != before
    monkeypatch.delenv(f"NUMBA_{name}")
    assert _jit_cache.folder() == before


def test_the_cache_folder_depends_on_the_processor_that_gives_the_width_of_vectors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """NUMBA_CPU_NAME=generic hides the processor from Numba's own key, and not from kernels/_numba."""
    from llvmlite import binding

    folders = {_jit_cache.folder()}
    features = binding.get_host_cpu_features()
    for width in ("avx2", "avx512f"):
        masked = type(features)({**features, width: not features.get(width)})
        monkeypatch.setattr(binding, "get_host_cpu_features", lambda masked=masked: masked)
        folders.add(_jit_cache.folder())
    monkeypatch.setattr(binding, "get_host_cpu_name", lambda: "other")
    folders.add(_jit_cache.folder())
    assert len(folders) == 4


@pytest.mark.parametrize(("name", "library", "extra"), [("torch", "torch", "peers"), ("onedal", "daal4py", "onedal")])
def test_a_missing_extra_is_reported_with_the_command_that_installs_it(
    name: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"kernels.gradient.peers.{name}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)  # None makes an import of it fail as if it were not installed
    with pytest.raises(BackendUnavailable) as caught:
        load(name)
    assert str(caught.value) == f"{library} is not installed: pip install -c constraints.txt '.[{extra}]'"


LIMITED = """
from kernels import Kernel, backends
gradient = Kernel("g", backends.NUMPY, "", 1, len, largest_score=34.0)
fit = Kernel("f", backends.NUMPY, "", 1, len, operation="fit", largest_score=34.0)
descend = Kernel("d", backends.NUMPY, "", 1, len, operation="descend", largest_score=34.0)
"""


def test_only_a_gradient_may_be_right_up_to_some_score_only(tmp_path: Path) -> None:
    file = tmp_path / "limited.py"
    file.write_text(LIMITED)
    assert load(f"{file}:gradient").largest_score == 34
    for operation in ("descend", "fit"):
        with pytest.raises(ValueError, match=f"declares a largest_score; a kernel of '{operation}' may not$"):
            load(f"{file}:{operation}", operation)
        # what is made of a gradient is checked as any other kernel of that operation
        assert load(f"{file}:gradient", operation).largest_score is None


def test_torchs_compiler_is_imported_only_for_the_kernel_that_needs_it() -> None:
    available("torch")
    code = "import sys, kernels; kernels.load('torch'); assert 'torch._dynamo' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torch_shares_the_memory_of_read_only_arrays() -> None:
    backend = available("torch").backend
    for array in (normal(3, 2).X, normal(3, 2, order="F").X, normal(3, 2).w):
        placed = backend.asarray(array)
        assert placed.data_ptr() == array.ctypes.data
        np.testing.assert_array_equal(backend.asnumpy(placed, array.dtype), array)
    assert backend.asarray(np.float32(0.5)).shape == ()
    with pytest.raises(TypeError, match="a float; expected a tensor"):
        backend.asnumpy(0.5, np.dtype(np.float64))


@pytest.mark.parametrize("missing", ["compiler", "headers"])
def test_torch_compile_says_what_is_missing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    available("torch")
    backends._prepare_inductor.cache_clear()
    if missing == "compiler":
        monkeypatch.setenv("CXX", "no-such-compiler")
    else:
        monkeypatch.setattr("sysconfig.get_path", lambda _name: "no-such-folder")
        monkeypatch.setattr("shutil.which", lambda name: name)
    messages = {"compiler": "there is no no-such-compiler: install it", "headers": "install Python's headers"}
    try:
        with pytest.raises(BackendUnavailable, match=f"torch.compile needs .*{messages[missing]}"):
            load("torch-compile")
    finally:
        backends._prepare_inductor.cache_clear()
