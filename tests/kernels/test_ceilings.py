"""The ceilings do all of their work, and a worker that has their kept code neither compiles nor imports SciPy's BLAS.

In processes of their own, as in the race: a ceiling leaves Numba without BLAS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.host.checkout import CHECKOUT
from kernels._numba.vector_memory import BYTES
from kernels.ceilings import specs

CODE = """
import json, sys
import numpy as np
from kernels import _jit_cache
folder, name, dtype, order = sys.argv[1:]
_jit_cache.folder = lambda *_sources: folder
from kernels.ceilings import numba_ceilings
X = np.arange(3000, dtype=dtype).reshape(1000, 3, order=order)
call = getattr(numba_ceilings, name).call
call(X, np.ones(1000, dtype), X.dtype.type(0.5))
hits = sum(call.func.stats.cache_hits.values())
print(json.dumps({"totals": call.args[0].tolist(), "kept": hits == 1, "blas": "scipy.linalg" in sys.modules}))
"""


def run(folder: Path, name: str, dtype: str = "float64", order: str = "C") -> dict[str, Any]:
    """What a ceiling computed in a new process with two threads. folder: its kept code"""
    command = [sys.executable, "-c", CODE, str(folder), name, dtype, order]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    ended = subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    made: dict[str, Any] = json.loads(ended.stdout)
    return made


@pytest.mark.parametrize(("dtype", "order"), [("float64", "C"), ("float64", "F"), ("float32", "C")])
def test_all_numbers_are_read_once_in_each_repetition(tmp_path: Path, dtype: str, order: str) -> None:
    made = run(tmp_path, "READ_SUM", dtype, order)
    repeats = specs.repeats(3000 * np.dtype(dtype).itemsize)
    assert sum(made["totals"]) == pytest.approx(repeats * (sum(range(3000)) + 1000), rel=1e-6)
    assert all(made["totals"][::16])  # both threads take part


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_arithmetic_is_all_sigmoids_and_products(tmp_path: Path, dtype: str) -> None:
    """The first lanes of the vectors: softplus(z) + σ(z) of each, and sums x ← x/2 + 1/2, which approach 1. Of six
    products for each vector four are done, by four of the sums. A sum of k positive terms is right to k roundings.
    """
    made = run(tmp_path, "ARITHMETIC", dtype)
    number = np.dtype(dtype)
    lanes = BYTES // number.itemsize
    vectors = specs.repeats(3000 * number.itemsize) * 1000 // (2 * lanes) + 1
    z = np.arange(vectors) * lanes % 1024 % 17 - 8.0
    expected = np.sum(np.log1p(np.exp(z)) + 1 / (1 + np.exp(-z))) + 4
    assert made["totals"][::16] == pytest.approx([expected, expected], rel=vectors * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("name", ["READ_BITS", "MULTIPLY", "ARITHMETIC"])
def test_kept_code_is_loaded_without_compiling_and_without_blas(tmp_path: Path, name: str) -> None:
    assert not run(tmp_path, name)["kept"]
    assert run(tmp_path, name) | {"totals": []} == {"totals": [], "kept": True, "blas": False}


MATMUL = """
import json, sys
import numpy as np
from kernels import _jit_cache
folder, rows, dtype = sys.argv[1:]
_jit_cache.folder = lambda *_sources: folder
from kernels.ceilings import matmul
X = np.ones((100, 3), dtype)
call = getattr(matmul, f"ROWS_{rows}").build(((3, 8), (8, 5)))
(total,) = call(X, X[:, 0], X.dtype.type(0.5))
print(json.dumps({"total": total, "kept": sum(call.__closure__[0].cell_contents.stats.cache_hits.values()) == 1}))
"""


@pytest.mark.parametrize(("rows", "dtype"), [(64, "float64"), (240, "float32")])
def test_matrices_are_multiplied_forward_and_backward(tmp_path: Path, rows: int, dtype: str) -> None:
    """Every number is 0.5, so an entry of a product is a quarter of the length that is summed over: the inputs
    forward, the rows of a block for dW, and the units for dA, which the first layer has not.
    """
    command = [sys.executable, "-c", MATMUL, str(tmp_path), str(rows), dtype]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    first, again = (
        json.loads(subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, check=True).stdout)
        for _ in range(2)
    )
    flops = 100 * specs.matmul_flops(((3, 8), (8, 5)))
    assert flops == 100 * 2 * (2 * 3 * 8 + 3 * 8 * 5)
    of_thread = 100 * specs.matmul_repeats(flops) / 2
    block = -(-of_thread // -(-of_thread // rows))
    assert first["total"] == pytest.approx(2 * 0.25 * (3 + block + 8 + block + 5))
    assert (first["kept"], again["kept"]) == (False, True)
