"""bench.race.race: a race from a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.race import race


def test_a_race_of_another_operation_than_the_gradient(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from kernels.gradient.numpy_vectorized import gradient\n")
    raced = race(["loops", f"{tmp_path}/mine.py:gradient"], "descend:10x2@steps=3", launches=1, seconds=0.01)
    assert [(record.id.rpartition("/")[0], record.outcome, record.of) for record in raced.records] == [
        ("descend/10x2-f64@steps=3/loops", "ok", "loops"),
        ("descend/10x2-f64@steps=3/mine:gradient", "ok", "mine:gradient"),
    ]
    assert all(len(record.curves["cost"]) == 4 for record in raced.records)


@pytest.mark.parametrize(
    ("kernels", "workload", "message"),
    [
        (
            ["numpy", "numba-compiled"],
            "lecture",
            "numba-compiled is a kernel of descend, and the workloads are of grad",
        ),
        (["nump"], "lecture", "no kernel is called 'nump'; the nearest: numpy"),
        (["numpy", "numpy"], "lecture", "numpy and numpy would both be called numpy; rename one"),
        (["numpy"], "swim:lecture", "no operation is called 'swim'"),
    ],
)
def test_what_cannot_race_is_refused(kernels: list[str], workload: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        race(kernels, workload)
    assert "\n" not in str(caught.value)
