"""What is printed of a study: a table of all arms, the comparisons, and what reaches the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from bench.commands.activation import analysis
from bench.commands.activation.analysis import Interval, Summary
from bench.commands.activation.plan import LIBRARY, UNITS, Arm, Plan
from bench.commands.study_file import Study
from bench.report.formatting import counted, duration, format_significant
from bench.report.table import Column, Table, number_columns

_LEGEND = (
    "rate: the learning rate with the least mean of steps on other seeds. reached: how many got to the target.",
    "steps: mean of min(steps, budget), with its 95% interval (bootstrap over seeds). seconds: of a descent, mean.",
)
_FADING_LEGEND = (
    "first/last: at the start, the norm of the first layer's derivatives / the last layer's, median over seeds.",
    "quarter: 0.25 to the power of the layers. dead: share of units that are 0 for every example, at the end.",
)
_PAIRS = (
    (("sigmoid", "glorot"), ("relu", "he"), "each with its customary start"),
    (("sigmoid", "glorot"), ("relu", "glorot"), "both with the start glorot"),
    (("sigmoid", LIBRARY), ("relu", LIBRARY), "by scikit-learn, each with its own start, at the rates of glorot"),
)


def tables(study: Study) -> list[Table]:
    """The arms, and how many times as many steps sigmoids need."""
    plan, rows = Plan.of(study["plan"]), study["rows"]
    summaries = analysis.summaries(plan, rows)
    title = f"{plan.workload}: steps to a cost of {plan.target:g}, {plan.width} units a layer, budget {plan.budget:,}"
    columns = (*number_columns("layers"), Column("units"), Column("start"))
    steps, fading = (
        number_columns("rate", "reached", "steps", "seconds"),
        number_columns("first/last", "quarter", "dead"),
    )
    return [
        Table(
            title,
            (*columns, *steps),
            [(*_arm(one), *_steps(one)) for one in summaries],
            (*_LEGEND, *filter(None, map(_divergence, summaries))),
        ),
        Table("Steps of sigmoids / steps of ReLU", (), (), _comparisons(plan, rows)),
        Table(
            "What reaches the first layer",
            (*columns, *fading),
            [(*_arm(one), *_fading(one)) for one in summaries if one.arm.start != LIBRARY],
            _FADING_LEGEND,
        ),
    ]


def _arm(one: Summary) -> tuple[str, ...]:
    return str(one.arm.layers), UNITS[one.arm.unit], one.arm.start


def _steps(one: Summary) -> tuple[str, ...]:
    return f"{one.rate:.2g}", f"{one.reached} of {one.descents}", _interval(one.steps), duration(one.seconds)


def _divergence(one: Summary) -> str:
    if not one.diverged:
        return ""
    arm = f"{counted(one.arm.layers, 'layer')} of {UNITS[one.arm.unit]}, start {one.arm.start}"
    return (
        f"{arm}: {one.diverged} of {one.descents} diverged at the rate {one.rate:g}; try a smaller one with --rates"
    )


def _fading(one: Summary) -> tuple[str, ...]:
    return "–" if isnan(one.fading) else f"{one.fading:.2g}", f"{0.25**one.arm.layers:.2g}", f"{one.dead:.0%}"


def _interval(of: Interval) -> str:
    value, low, high = (format_significant(number) for number in of)
    return f"{value} [{low}, {high}]"


def _comparisons(plan: Plan, rows: Sequence[analysis.Row]) -> list[str]:
    lines = []
    for layers in plan.layers:
        for slow, fast, words in _PAIRS:
            arms = [analysis.of_arm(rows, Arm(layers, *one), counts=True) for one in (slow, fast)]
            steps = [analysis.restricted(arm, plan.budget) for arm in arms]
            if all(arms) and all(steps[1]):
                ratio = analysis.ratio(*steps)
                shown = "no difference shown" if ratio.low <= 1 <= ratio.high else ""
                notes = "; ".join(filter(None, (shown, _bound(*arms))))
                lines.append(
                    f"{counted(layers, 'layer')}, {words}: {_interval(ratio)}{f' ({notes})' if notes else ''}"
                )
    return lines or ["nothing can be said yet"]


def _bound(slow: Sequence[analysis.Row], fast: Sequence[analysis.Row]) -> str:
    """What descents that never got there make of the ratio: they count with the budget, and would need more."""
    of_slow, of_fast = (any(row["steps"] is None for row in arm) for arm in (slow, fast))
    return {
        (True, False): "at least, since some never got there",
        (False, True): "at most, since some of ReLU never got there",
        (True, True): "no bound, since some of both never got there",
    }.get((of_slow, of_fast), "")
