"""Descents that make no sense are refused, each in one line; and what a descent is made of."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.workloads import catalog
from kernels import load_operation
from kernels.contract import Size
from kernels.descend import judge as judging
from kernels.descend.operation import inputs, static, work
from kernels.gradient.operation import work as work_of_a_gradient
from tests.support.problems import normal

X, y = normal(33, 5).X, normal(33, 5).y
DEFAULTS = {"steps": 100, "learning_rate": None}
RATE = r"; expected a number above 0$"
STEPS = r"; expected a whole number, 1 or more$"


def made(X: np.ndarray = X, **options: Any) -> Any:
    return inputs(X, y.astype(X.dtype), DEFAULTS | options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"steps": 0}, "^steps is 0" + STEPS),
        ({"steps": -3}, "^steps is -3" + STEPS),
        ({"learning_rate": 0.0}, "^learning_rate is 0" + RATE),
        ({"learning_rate": -1.5}, r"^learning_rate is -1\.5" + RATE),
        ({"learning_rate": float("nan")}, "^learning_rate is nan" + RATE),
        ({"learning_rate": float("inf")}, "^learning_rate is inf" + RATE),
    ],
)
def test_options_that_make_no_descent(options: dict[str, Any], says: str) -> None:
    for refuses in (lambda: static(DEFAULTS | options), lambda: made(**options)):
        with pytest.raises(ValueError, match=says):
            refuses()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"steps": 10**7}, r"^steps is 10000000; expected at most 299592 with 5 features$"),
        ({"learning_rate": 1e-310}, r"^learning_rate is 1e-310, outside the range of float64; choose one in it$"),
        (
            {"learning_rate": 300.0},
            r"^learning_rate is 300: it diverges, the cost rises from 0\.693 to \d+; "
            r"any below 2/L = 5\.45 is accepted$",
        ),
        (
            {"learning_rate": 1e308},
            r"^learning_rate is 1e\+308: it diverges, the cost is (inf|nan) after \d steps; any below",
        ),
    ],
)
def test_options_that_the_data_do_not_allow(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        made(**options)
    assert "\n" not in str(raised.value)


def test_numbers_outside_the_range_of_float32() -> None:
    for rate, text in ((1e-40, "1e-40"), (1e40, r"1e\+40")):
        with pytest.raises(
            ValueError, match=rf"^learning_rate is {text}, outside the range of float32; choose one in"
        ):
            made(X.astype(np.float32), learning_rate=rate)
    with pytest.raises(ValueError, match=r"^1/L is \d.*e-\d\d, outside the range of float32; scale the features$"):
        made(X.astype(np.float32) * np.float32(1e25))
    with pytest.raises(ValueError, match=r"^1/L is 0, outside the range of float64; scale the features$"):
        made(X * 1e200)


def test_data_outside_the_domain_of_a_gradient() -> None:
    with pytest.raises(ValueError, match=r"^y holds the labels 3; every label must be 0 or 1$"):
        inputs(X, np.full(33, 3.0), DEFAULTS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_placed(dtype: type[np.floating[Any]]) -> None:
    placed = made(X.astype(dtype))
    assert list(placed.placed) == list(load_operation("descend").fields) == ["X", "y", "alpha"]
    assert [(part.dtype, part.shape) for part in placed.placed.values()] == [(dtype, s) for s in ((33, 5), (33,), ())]
    assert placed.static == placed.details["steps"] == 100
    assert float(placed.placed["alpha"]) == pytest.approx(1 / placed.details["L"], rel=1e-6)
    chosen = made(learning_rate=0.5, steps=7)
    assert (float(chosen.placed["alpha"]), chosen.static, chosen.details["learning_rate"]) == (0.5, 7, 0.5)


def test_a_larger_rate_that_converges_is_accepted() -> None:
    assert made(learning_rate=2.5 / made().details["L"]).static == 100


def test_a_rate_that_diverges_from_another_start_than_zero_is_refused() -> None:
    """The best w is 0, so from there no rate is too large."""
    twice = np.repeat(np.linspace(-1, 1, 9), 2)[:, np.newaxis]
    labels = np.tile([0.0, 1.0], 9)
    with pytest.raises(ValueError, match=r"^learning_rate is 100: it diverges, the cost rises from "):
        inputs(twice, labels, DEFAULTS | {"learning_rate": 100.0})
    assert inputs(twice, labels, DEFAULTS | {"learning_rate": 100.0, "steps": 1}).static == 1


def test_a_rate_that_leaves_the_domain_of_a_gradient_is_refused() -> None:
    one, label = np.full((1, 1), 1e30, np.float32), np.ones(1, np.float32)
    with pytest.raises(ValueError, match=r"^learning_rate is 1: it diverges, scores could overflow float32 after 1 "):
        inputs(one, label, DEFAULTS | {"learning_rate": 1.0, "steps": 1})


def test_one_step_at_a_large_rate_is_checked_as_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    """From a start near the minimum the cost rises, which is not the kernel's mistake."""
    assert main(["check", "numpy", "--workloads", "descend:lecture@steps=1@learning_rate=20"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.endswith(": 1,000 × 2 float64 C, steps 1, learning_rate 20")
    catalog.clear_cache()


def test_check_says_that_a_right_descent_did_not_get_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "divergence", lambda _costs: "it rises")  # from a start that was not tried
    assert main(["check", "numpy", "--workloads", "descend:lecture@steps=1@learning_rate=20"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("  it did not get to where the operation asks it to")
    catalog.clear_cache()


def test_the_work_is_that_of_a_gradient_for_each_step_and_the_last_cost() -> None:
    size = Size(1000, 32, 8)
    once, all_steps = work_of_a_gradient(size), work(size, 100)
    assert all_steps.bytes == 101 * once.bytes
    assert all_steps.ceilings == {name: 101 * amount for name, amount in once.ceilings.items()}


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (
            "learning_rate=1000",
            "learning_rate is 1000: it diverges, the cost rises from 0.693 to 42.3; any below 2/L =",
        ),
        ("learning_rate=1e308", "learning_rate is 1e+308: it diverges, the cost is "),
        ("learning_rate=0", "learning_rate is 0; expected a number above 0"),
        ("learning_rate=-1", "learning_rate is -1; expected a number above 0"),
        ("learning_rate=nan", "learning_rate is 'nan'; expected a number above 0"),
        ("learning_rate=inf", "learning_rate is 'inf'; expected a number above 0"),
        ("learning_rate=fast", "learning_rate is 'fast'; expected a number above 0"),
        ("steps=0", "steps is 0; expected a whole number, 1 or more"),
        ("steps=-1", "steps is -1; expected a whole number, 1 or more"),
        ("steps=2.5", "steps is '2.5'; expected a whole number, 1 or more"),
        ("steps=1000000", "steps is 1000000; expected at most 524287 with 2 features"),
        ("momentum=0.9", "descend has no option 'momentum'; expected steps, learning_rate"),
    ],
)
def test_the_command_line_refuses_them_in_one_line(
    option: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    assert main(["check", "numpy", "--workloads", f"descend:lecture@{option}"]) == 2
    output = capsys.readouterr()
    assert output.err.startswith(f"error: {says}")
    assert output.err.count("\n") == 1
    assert output.out == ""
    assert time.monotonic() - start < 60
    catalog.clear_cache()
