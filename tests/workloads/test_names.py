"""Names of workloads with an operation and its options: what they mean, what is refused, and that nothing is lost."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from bench.workloads import catalog
from bench.workloads.options import for_operation
from kernels import load_operation, registry


@pytest.mark.parametrize(
    ("name", "full", "operation", "options"),
    [
        ("gradient:lecture", "lecture", "gradient", {}),
        ("descend:lecture", "descend:lecture", "descend", {"steps": 100, "learning_rate": None}),
        ("descend:100x3", "descend:100x3-f64", "descend", {"steps": 100, "learning_rate": None}),
        (
            "descend:lecture-f32-F@steps=10@learning_rate=1e-05",
            "descend:lecture-f32-F@steps=10@learning_rate=1e-05",
            "descend",
            {"steps": 10, "learning_rate": 1e-5},
        ),
        (
            "descend:lecture@learning_rate=0.50@steps=010",
            "descend:lecture@steps=10@learning_rate=0.5",
            "descend",
            {"steps": 10, "learning_rate": 0.5},
        ),
        ("descend:lecture@steps=100", "descend:lecture", "descend", {"steps": 100, "learning_rate": None}),
        (
            "descend:lecture@learning_rate=2",
            "descend:lecture@learning_rate=2",
            "descend",
            {"steps": 100, "learning_rate": 2.0},
        ),
        (
            "descend:lecture@steps=1000000",
            "descend:lecture@steps=1000000",
            "descend",
            {"steps": 1000000, "learning_rate": None},
        ),
    ],
)
def test_names_with_an_operation(name: str, full: str, operation: str, options: dict[str, Any]) -> None:
    workload = catalog.named(name)
    assert (workload.name, workload.operation, dict(workload.options)) == (full, operation, options)
    assert workload.definition.name == operation
    assert workload.static == options.get("steps")
    again = catalog.named(workload.name)
    assert (again.name, again.options) == (workload.name, workload.options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sorting:lecture", "no operation is called 'sorting'; expected gradient, descend"),
        (":lecture", "no operation is called ''"),
        ("descend:descend:lecture", "no operation is called 'descend:descend'"),
        ("descend:", "no workload is called 'descend:'"),
        ("descend:lectur", "no workload is called 'descend:lectur'; the nearest: lecture"),
        ("lecture@steps=10", "gradient has no option 'steps'; expected none"),
        ("descend:lecture@tolerance=1", "descend has no option 'tolerance'; expected steps, learning_rate"),
        ("descend:lecture@", "'descend:lecture@': expected @OPTION=NUMBER"),
        ("descend:lecture@steps", "'descend:lecture@steps': expected @OPTION=NUMBER, each option once"),
        ("descend:lecture@steps=3@steps=5", "expected @OPTION=NUMBER, each option once"),
        ("descend:lecture@=3", "descend has no option ''"),
        ("descend:lecture@steps=", "steps is ''; expected a whole number, 1 or more"),
        ("descend:lecture@steps=0", "steps is 0; expected a whole number, 1 or more"),
        ("descend:lecture@steps=-1", "steps is -1; expected a whole number"),
        ("descend:lecture@steps=2.5", "steps is '2.5'; expected a whole number"),
        ("descend:lecture@steps=1e3", "steps is '1e3'; expected a whole number"),
        ("descend:lecture@steps=nan", "steps is 'nan'; expected a whole number"),
        ("descend:lecture@steps=ten", "steps is 'ten'; expected a whole number"),
        ("descend:lecture@learning_rate=", "learning_rate is ''; expected a number above 0"),
        ("descend:lecture@learning_rate=0", "learning_rate is 0; expected a number above 0"),
        ("descend:lecture@learning_rate=nan", "learning_rate is 'nan'; expected a number above 0"),
        ("descend:lecture@learning_rate=inf", "learning_rate is 'inf'; expected a number above 0"),
        ("descend:lecture@learning_rate=-1", "learning_rate is -1; expected a number above 0"),
        ("descend:lecture@learning_rate=1e-400", "learning_rate is 0; expected a number above 0"),
        ("descend:lecture@learning_rate=fast", "learning_rate is 'fast'; expected a number above 0"),
    ],
)
def test_names_that_make_no_sense(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        catalog.named(name)
    assert "\n" not in str(caught.value)


STEPS = st.one_of(st.none(), st.integers(1, 10**9))
RATES = st.one_of(st.none(), st.floats(0, 1e300, exclude_min=True))


@given(
    st.sampled_from(("lecture", "flights", "7x3")), st.sampled_from(("", "-f32", "-f64")),
    st.sampled_from(("", "-C", "-F")), STEPS, RATES,
)  # fmt: skip
def test_a_name_has_all_of_a_workload(
    base: str, dtype: str, order: str, steps: int | None, rate: float | None
) -> None:
    given_steps = "" if steps is None else f"@steps={steps}"
    given_rate = "" if rate is None else f"@learning_rate={rate!r}"
    workload = catalog.named(f"descend:{base}{dtype}{order}{given_rate}{given_steps}")
    assert dict(workload.options) == {"steps": steps or 100, "learning_rate": rate}
    again = catalog.named(workload.name)
    assert (again.name, again.options, again.dtype, again.order, again.size) == (
        workload.name, workload.options, workload.dtype, workload.order, workload.size
    )  # fmt: skip
    assert ("@steps" in workload.name) is (steps not in (None, 100))
    assert ("@learning_rate" in workload.name) is (rate is not None)


def test_the_same_data_for_another_operation() -> None:
    lecture = catalog.named("lecture-f32")
    descent = for_operation(lecture, "descend", {"steps": "10"})
    assert (descent.name, descent.static, descent.dtype) == ("descend:lecture-f32@steps=10", 10, lecture.dtype)
    assert for_operation(descent, "descend", {}).name == descent.name
    slower = for_operation(descent, "descend", {"learning_rate": "0.125"})
    assert slower.name == "descend:lecture-f32@steps=10@learning_rate=0.125"
    back = for_operation(slower, "gradient", {})
    assert (back.name, back.options, back.static) == ("lecture-f32", (), None)


def test_a_descent_has_the_baselines_that_its_steps_allow() -> None:
    assert catalog.named("descend:lecture@steps=1").baseline == "loops"
    long = catalog.named("descend:lecture@steps=100000")
    assert long.baseline == "numpy"
    assert set(long.skip_reasons) == {"loops", "loops-examples"}
    assert math.isclose(long.nominal_seconds("loops"), 100001 * catalog.named("lecture").nominal_seconds("loops"))


def test_the_options_of_operations_have_different_names_or_the_same_meaning() -> None:
    """One option of the command line sets it for every operation that has it."""
    seen: dict[str, Any] = {}
    for operation in registry.OPERATIONS:
        for name, option in load_operation(operation).options.items():
            assert seen.setdefault(name, option) == option
            assert name.isidentifier()


PIECES = (
    *("10", "3", "x", "0", "²", "٣", "1_0", "lecture", "flights", "-f32", "-f64", "-F", "-C"),
    *("descend:", "gradient:", ":", "@", "@steps=", "@learning_rate=", "=", "1e3", "2.5", "nan"),
    *(" ", "\n", "\x1b[31m", "\x00", "\udcff", "9" * 500),
)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join) | st.text(max_size=20))
@example("٣x٣")
@example("10²x3")
@example("9" * 100_000 + "x2")
@example("descend:10x2@steps=" + "9" * 5000)
def test_any_text_is_a_workload_or_an_error_of_one_line(text: str) -> None:
    try:
        workload = catalog.named(text)
    except ValueError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 300
        return
    assert text.isascii()
    assert workload.name.isascii()
    assert catalog.named(workload.name).name == workload.name


def test_a_size_has_one_name() -> None:
    assert catalog.named("010x02").name == catalog.named("10x2").name == "10x2-f64"
