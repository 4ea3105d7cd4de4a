"""The options of `pytest --benchmark`, in pytest-benchmark's own group, and the session that they choose."""

from __future__ import annotations

import os
from math import isfinite
from pathlib import Path

import pytest

from bench.host import resources
from bench.host.checkout import RESULTS
from bench.runner import profiles, selection
from bench.runner.profiles import PROFILES
from bench.runner.session import Session
from bench.runner.settings import FEWEST_LAUNCHES, TIMEOUT_SECONDS, Settings
from bench.workloads.datasets import DatasetUnavailable


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the main job."""
    group = parser.getgroup("benchmark")
    group.addoption("--benchmark", action="store_true", help="Check and time the kernels: the main job.")
    group.addoption(
        "--profile",
        metavar="NAME",
        default="default",
        help=f"What goes together: {', '.join(PROFILES)} (docs/profiles.md); the options below change parts of it.",
    )
    group.addoption(
        "--kernels",
        metavar="A,B",
        help="Only these kernels: names (python -m bench kernels) or your own, path/to/file.py:ATTRIBUTE or "
        "package.module:ATTRIBUTE, a Kernel or a function gradient(X, y, w, b) -> (cost, dw, db).",
    )
    group.addoption(
        "--workloads", metavar="A,B", help="Only these workloads: names (python -m bench workloads) or MxN."
    )
    group.addoption(
        "--data",
        metavar="FILE",
        type=Path,
        help="Your own .npz (X, y), .csv, .parquet or .svm; write --data=FILE.",
    )
    group.addoption("--target", metavar="COLUMN", help="The column of --data with the labels (default: y).")
    group.addoption(
        "--threads",
        metavar="N,M",
        help="Threads for every kernel, one race each: 1, or 1,2,4, or all that may be used (default: the profile's, "
        "or else all).",
    )
    _add_measuring(group)


def _add_measuring(group: pytest.OptionGroup) -> None:
    """How long, how often, and where to."""
    group.addoption(
        "--launches",
        metavar="N",
        type=int,
        help=f"Start the workers so often (default: at least {FEWEST_LAUNCHES}, until every ratio is known to ±2%% "
        "or the time that --benchmark-max-time gives each kernel is spent).",
    )
    group.addoption(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=TIMEOUT_SECONDS,
        help="What a kernel may take for one step, such as a call, before it is ended (default: %(default)g).",
    )
    group.addoption(
        "--no-ceilings",
        action="store_true",
        help="Do not measure, beside the kernels, how fast this machine can read, take sigmoids and multiply.",
    )
    group.addoption("--no-page", action="store_true", help="Write no HTML page beside the results.")
    group.addoption(
        "--resume", action="store_true", help="Go on with the last run of the same kernels that did not end."
    )
    group.addoption(
        "--results",
        metavar="DIR",
        type=Path,
        default=RESULTS,
        help="Where results go (default: results/); write --results=DIR.",
    )


def chosen_session(config: pytest.Config) -> Session:
    """What the options choose. Raises UsageError, in one line."""
    seconds = float(config.getoption("benchmark_max_time"))
    if not (isfinite(seconds) and seconds > 0):
        raise pytest.UsageError(f"--benchmark-max-time is {seconds:g}; expected a number of seconds above 0")
    if (copy := config.getoption("benchmark_json")) and not copy.absolute().parent.is_dir():
        raise pytest.UsageError(f"--benchmark-json={copy}: there is no folder {copy.parent}")
    launches, timeout = config.getoption("launches"), config.getoption("timeout")
    if launches is not None and launches < 1:
        raise pytest.UsageError(f"--launches is {launches}; expected 1 or more")
    if not (isfinite(timeout) and timeout > 0):
        raise pytest.UsageError(f"--timeout is {timeout:g}; expected a number of seconds above 0")
    try:
        profile = profiles.named(config.getoption("profile"))
        listed, data, target = map(config.getoption, ("workloads", "data", "target"))
        if (kernels := config.getoption("kernels")) is None:
            profiles.require(profile)
        candidates = selection.choose_kernels(kernels, profile.kernels)
        chosen = selection.choose_workloads(listed, data, target, len(candidates), profile.workloads)
        counts = _threads(config)
        both = tuple(dict.fromkeys((1, resources.usable_cores())))
        settings = Settings(
            (seconds if _asked_for_seconds(config) else profile.seconds) if _times(config) else 0.0,
            launches or profile.launches,
            counts or (),
            timeout,
            ceilings=_times(config) and not config.getoption("no_ceilings"),
            threads_on={} if counts is not None else dict.fromkeys(sorted(profile.single), both),
            profile=config.getoption("profile"),
        )
    except (ValueError, DatasetUnavailable) as error:
        raise pytest.UsageError(str(error)) from error
    return Session(candidates, chosen, settings)


def _threads(config: pytest.Config) -> tuple[int, ...] | None:
    """The numbers that --threads lists, none for all; None without it. Raises ValueError for what cannot be given."""
    listed, most = config.getoption("threads"), resources.usable_cores()
    if listed in (None, "all"):
        return None if listed is None else ()
    numbers = [int(word) if word.strip().isdigit() else 0 for word in listed.split(",")]
    for number, word in zip(numbers, listed.split(","), strict=True):
        if not 1 <= number <= most:
            raise ValueError(f"--threads has {word.strip()!r}; expected numbers from 1 to {most}, or all")
    return tuple(dict.fromkeys(numbers))


def _asked_for_seconds(config: pytest.Config) -> bool:
    """Whether somebody wrote --benchmark-max-time, whose default is pytest-benchmark's."""
    written = (*config.invocation_params.args, *config.getini("addopts"), os.environ.get("PYTEST_ADDOPTS", ""))
    return any("--benchmark-max-time" in str(argument) for argument in written)


def _times(config: pytest.Config) -> bool:
    """Whether anything is timed: pytest-benchmark times nothing when disabled, skipped or under xdist."""
    disabled = config.getoption("benchmark_disable") and not config.getoption("benchmark_enable")
    distributed = config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")
    skipped = config.getoption("benchmark_skip") and not config.getoption("benchmark_only")
    return not (disabled or distributed or skipped or config.getoption("collectonly"))
