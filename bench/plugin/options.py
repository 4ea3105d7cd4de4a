"""The options of `pytest --benchmark`, in pytest-benchmark's group, and the session that they configure."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench.host import resources
from bench.host.checkout import RESULTS
from bench.host.sanitize import one_line
from bench.runner import numbers, profiles, selection
from bench.runner.profiles import PROFILES
from bench.runner.session import Session
from bench.runner.settings import FEWEST_LAUNCHES, LAUNCH_SECONDS, SECONDS, TIMEOUT_SECONDS, Settings
from bench.workloads import catalog
from bench.workloads.datasets import DatasetUnavailable
from kernels.registry import DEFAULT_OPERATION, OPERATIONS, load_operation


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("benchmark")
    group.addoption(
        "--benchmark", action="store_true", help="Check the kernels and time them, instead of running the tests."
    )
    group.addoption(
        "--profile",
        metavar="NAME",
        default="default",
        help=f"A set of workloads, kernels, threads and measuring time: {', '.join(PROFILES)} (docs/profiles.md). "
        "Without this option: default. The options below override parts of it.",
    )
    group.addoption(
        "--kernels",
        metavar="A,B",
        help="Only these kernels: names that `python -m bench kernels` lists, or your own as "
        "path/to/file.py:ATTRIBUTE or package.module:ATTRIBUTE, where ATTRIBUTE is a Kernel or a function "
        "gradient(X, y, w, b) -> (cost, dw, db).",
    )
    group.addoption(
        "--workloads",
        metavar="A,B",
        help="Only these workloads: names that `python -m bench workloads` lists, or any size as MxN "
        "(M examples, N features); with the name of an operation before a colon, such as descend:lecture.",
    )
    group.addoption(
        "--operation",
        metavar="NAME",
        default=DEFAULT_OPERATION,
        help=f"What is computed of --data, and of workloads that do not say it: {' or '.join(OPERATIONS)} "
        "(default: %(default)s).",
    )
    group.addoption(
        "--data",
        metavar="FILE",
        type=Path,
        help="Your own data: .npz (with X and y), .csv, .parquet or .svm. Write it as --data=FILE: without the "
        "equals sign, pytest treats the file as a test file.",
    )
    group.addoption("--target", metavar="COLUMN", help="The column of --data that holds the labels (default: y).")
    group.addoption(
        "--threads",
        metavar="N,M",
        help="Numbers of threads, such as 1 or 1,2,4, with a separate race for each; `all` uses every available core "
        "(default: what the profile says, else all).",
    )
    for name, help_text in _operation_options().items():
        group.addoption(f"--{name.replace('_', '-')}", metavar="NUMBER", help=help_text)
    _add_measuring(group)


def _operation_options() -> dict[str, str]:
    """The numbers of all operations: name in Python → help text."""
    texts: dict[str, dict[str, None]] = {}
    for operation in OPERATIONS:
        for name, option in load_operation(operation).options.items():
            texts.setdefault(name, {})[selection.option_text(option)] = None
    return {name: f"{'; '.join(of_operations)}." for name, of_operations in texts.items()}


def _add_measuring(group: pytest.OptionGroup) -> None:
    """Add the options that say how to measure, and where results go."""
    group.addoption(
        "--launches",
        metavar="N",
        help="Start all worker processes N times (default: until every speedup is known to ±2%% or each kernel's "
        f"--benchmark-max-time is used up, {LAUNCH_SECONDS:g} s per launch, but at least {FEWEST_LAUNCHES} times; "
        f"so {max(FEWEST_LAUNCHES, round(SECONDS / LAUNCH_SECONDS))} with the default of {SECONDS:g} s).",
    )
    group.addoption(
        "--timeout",
        metavar="SECONDS",
        default=f"{TIMEOUT_SECONDS:g}",
        help="Stop a kernel if one step, such as a call, takes longer than this (default: %(default)s).",
    )
    group.addoption(
        "--no-ceilings",
        action="store_true",
        help="Do not measure this machine's ceilings: how fast it can read memory, compute sigmoids and multiply.",
    )
    group.addoption("--no-page", action="store_true", help="Write no HTML page beside the results file.")
    group.addoption(
        "--resume",
        action="store_true",
        help="Continue the last unfinished run of the same kernels and workloads with the same settings.",
    )
    group.addoption(
        "--results",
        metavar="DIR",
        type=Path,
        default=RESULTS,
        help="Folder for results files (default: results/). Write it as --results=DIR.",
    )


def chosen_session(config: pytest.Config) -> Session:
    """The session that the options configure. Raises UsageError, in one line."""
    if (copy := config.getoption("benchmark_json")) and not copy.absolute().parent.is_dir():
        raise pytest.UsageError(f"--benchmark-json={copy}: there is no folder {copy.parent}")
    if copy and (copy.is_dir() or not os.access(copy if copy.exists() else copy.absolute().parent, os.W_OK)):
        raise pytest.UsageError(f"--benchmark-json={copy}: it is a folder, or cannot be written")
    try:
        seconds = float(config.getoption("benchmark_max_time"))
        replace(numbers.SECONDS, above=True).require("--benchmark-max-time", seconds)
        timeout = numbers.TIMEOUT.parse("--timeout", config.getoption("timeout"))
        launches = config.getoption("launches")
        launches = None if launches is None else numbers.LAUNCHES.parse("--launches", launches)
        profile = profiles.named(config.getoption("profile"))
        listed, data, target = map(config.getoption, ("workloads", "data", "target"))
        if (kernels := config.getoption("kernels")) is None:
            profiles.require(profile)
        given = {name: text for name in _operation_options() if (text := config.getoption(name)) is not None}
        workloads = selection.choose_workloads(
            listed, data, target, 1, profile.workloads, given, config.getoption("operation")
        )
        operations = selection.operations_of(workloads)
        candidates = selection.choose_kernels(kernels, profile.kernels, operations, timeout)
        for workload in workloads:
            catalog.require_memory(workload, len(candidates))
        thread_counts = _threads(config)
        data_names = {workload.name: workload.name.rpartition(":")[2].partition("@")[0] for workload in workloads}
        single_threaded = [name for name, data_name in data_names.items() if data_name in profile.single_threaded]
        one_and_all = tuple(dict.fromkeys((1, resources.usable_cores())))
        settings = Settings(
            (seconds if _sets_seconds(config) else profile.seconds) if _times(config) else 0.0,
            launches or profile.launches,
            thread_counts or (),
            timeout,
            ceilings=_times(config) and not config.getoption("no_ceilings"),
            threads_on=dict.fromkeys(single_threaded, one_and_all) if thread_counts is None else {},
            profile=config.getoption("profile"),
        )
    except (ValueError, DatasetUnavailable) as error:
        raise pytest.UsageError(one_line(str(error))) from error
    return Session(candidates, workloads, settings)


def _threads(config: pytest.Config) -> tuple[int, ...] | None:
    """The numbers that --threads lists; empty for `all`, None without the option. Raises ValueError."""
    listed = config.getoption("threads")
    if listed in (None, "all"):
        return None if listed is None else ()
    possible = replace(numbers.threads(), note=", several separated by commas, or all")
    return tuple(dict.fromkeys(possible.parse("--threads", word.strip()) for word in listed.split(",")))


def _sets_seconds(config: pytest.Config) -> bool:
    """Whether the user set --benchmark-max-time; its default is pytest-benchmark's, not ours."""
    arguments = (*config.invocation_params.args, *config.getini("addopts"), os.environ.get("PYTEST_ADDOPTS", ""))
    return any("--benchmark-max-time" in str(argument) for argument in arguments)


def _times(config: pytest.Config) -> bool:
    """Whether anything is timed. pytest-benchmark times nothing if disabled or skipped, or under pytest-xdist."""
    disabled = config.getoption("benchmark_disable") and not config.getoption("benchmark_enable")
    distributed = config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")
    skipped = config.getoption("benchmark_skip") and not config.getoption("benchmark_only")
    return not (disabled or distributed or skipped or config.getoption("collectonly"))
