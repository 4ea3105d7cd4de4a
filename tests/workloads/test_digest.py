"""The digest of data: finite over the whole domain, and the data of one name are recognised at every scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from bench.__main__ import main
from bench.results import run_file
from bench.workloads.digest import digest, same_data
from bench.workloads.synthetic import synthetic
from tests.support.pytest_run import Run, files

X, Y = synthetic(100, 3)
LARGEST = float(np.finfo(np.float64).max / 4 / len(X))
"""The largest |x| in the domain of a problem with so many examples."""


@given(st.integers(-1000, 1000))
def test_a_digest_scales_with_the_data_to_the_last_bit(exponent: int) -> None:
    expected = {key: value if key == "ones" else np.ldexp(value, exponent) for key, value in digest(X, Y).items()}
    assert digest(np.ldexp(X, exponent), Y) == expected


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e155, 1e300, LARGEST / np.abs(X).max()])
def test_other_data_are_recognised_at_every_scale(scale: float) -> None:
    original = digest(X * scale, Y)
    assert all(map(np.isfinite, original.values()))
    assert same_data(original, digest(X * scale * (1 - 2e-16), Y))
    for other in (digest(X[::-1] * scale, Y[::-1]), digest(X * scale, 1 - Y), digest(X * (0.999 * scale), Y)):
        assert not same_data(original, other)


@pytest.mark.parametrize("value", [0.0, 5e-324, -LARGEST])
def test_a_digest_of_equal_numbers(value: float) -> None:
    assert digest(np.full((100, 3), value), Y)["size"] == pytest.approx(abs(value), rel=1e-12, abs=0)


def test_data_at_the_end_of_the_domain_are_checked_and_timed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "large.npz", X=X * 1e300, y=Y)
    assert main(["check", "numpy", "--data", str(tmp_path / "large.npz")]) == 0
    assert "  ok\n" in capsys.readouterr().out
    ran = run("--benchmark", f"--data={tmp_path / 'large.npz'}", "--kernels=numpy")
    assert ran.returncode == 0, ran.stdout
    (race,) = run_file.read(files(tmp_path)[0]).races
    assert race["data"] == digest(X * 1e300, Y)
