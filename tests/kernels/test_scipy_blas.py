"""SciPy's own BLAS on one thread, and NumPy's left alone."""

from __future__ import annotations

import numpy as np
import pytest
import threadpoolctl

from kernels._scipy_blas import on_one_thread


def threads() -> dict[str, int]:
    """Library of BLAS → its threads."""
    return {
        library["filepath"]: library["num_threads"]
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    }


def test_only_scipys_own_blas_has_one_thread_and_only_meanwhile() -> None:
    assert np.ones(2) @ np.ones(2) == 2
    with on_one_thread():
        pass  # SciPy's library is loaded
    own = {path for path in threads() if "scipy.libs" in path}
    if not own:
        pytest.skip("this SciPy brings no BLAS of its own")
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        with on_one_thread():
            assert threads() == {path: 1 if path in own else count for path, count in before.items()}
        assert threads() == before
        with pytest.raises(ZeroDivisionError), on_one_thread():
            raise ZeroDivisionError
        assert threads() == before
    assert before[next(iter(own))] == 2
