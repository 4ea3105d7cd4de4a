"""From the kernel and workload names on a command line to candidates and workloads."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.results.samples import Candidate
from bench.runner.settings import TIMEOUT_SECONDS
from bench.worker import environment
from bench.worker.messages import InspectResponse, Request, WorkerFailed, parse
from bench.worker.process import Limits, WorkerProcess
from bench.workloads import catalog
from bench.workloads.catalog import Workload
from bench.workloads.datasets import DatasetUnavailable
from bench.workloads.options import for_operation
from kernels import names, registry
from kernels.contract import Option


def choose_kernels(
    listed: str | None,
    default: Sequence[str] = (),
    operations: Sequence[str] = (registry.DEFAULT_OPERATION,),
    timeout: float = TIMEOUT_SECONDS,
) -> list[Candidate]:
    """The kernels that `--kernels a,b` names; for None the default, or else all that are not on request only.

    operations: the names of those that are raced
    timeout: seconds that importing a user's file may take; one that takes longer is left to its record

    Raises ValueError, in one line, for an unknown name, a file that cannot be imported or has no such
    attribute, two kernels that would have the same name in results, and a kernel of none of the operations.
    """
    registered = dict.fromkeys(name for operation in operations for name in names(operation))
    default = default or [name for name in registered if name not in registry.ON_REQUEST]
    specs = dict.fromkeys(default if listed is None else split(listed, "--kernels"))
    candidates = [Candidate(spec, requested=listed is not None) for spec in specs]
    require_names(candidates)
    own = {spec: _operation_of(spec, timeout) for spec in specs if spec not in registry.all_names()}
    candidates = [replace(one, own_operation=own.get(one.spec, one.own_operation)) for one in candidates]
    for candidate in candidates:
        require_operation(candidate, operations)
    return candidates


def require_operation(candidate: Candidate, operations: Sequence[str]) -> None:
    """Raise ValueError if the kernel computes none of the operations."""
    own = candidate.operations
    if set(own) & set(operations):
        return
    if not set(own) & set(registry.OPERATIONS):
        raise ValueError(
            f"{candidate.name} is a kernel of the operation {own[0]!r}; expected {' or '.join(registry.OPERATIONS)}"
        )
    raise ValueError(
        f"{candidate.name} is a kernel of {' and '.join(own)}, and the workloads are of {' and '.join(operations)}: "
        f"expected a workload such as {own[0]}:lecture"
    )


def require_names(candidates: Sequence[Candidate]) -> None:
    """Raise ValueError if a kernel is unknown, or if two would have the same name in results."""
    chosen: dict[str, str] = {}
    for candidate in candidates:
        if candidate.name in chosen:
            raise ValueError(
                f"{chosen[candidate.name]} and {candidate.spec} would both be called {candidate.name}; rename one"
            )
        chosen[candidate.name] = candidate.spec


def _operation_of(spec: str, timeout: float) -> str:
    """The operation of a user's kernel, which is loaded in a separate process. Raises ValueError if it cannot be."""
    worker = WorkerProcess(environment.of_worker(1, None), None, Limits(timeout, sys.maxsize))
    try:
        response = worker.request(Request("inspect", {"spec": spec}))
        return parse(InspectResponse, response).operation
    except WorkerFailed as failure:
        if failure.bad_spec:
            raise ValueError(failure.reason) from None
        return registry.DEFAULT_OPERATION  # any other failure becomes the outcome in the kernel's record
    finally:
        worker.kill()


def choose_workloads(
    listed: str | None,
    data: Path | None = None,
    target: str | None = None,
    kernels: int = 1,
    default: Sequence[str] = catalog.DEFAULT,
    options: Mapping[str, str] | None = None,
    operation: str = registry.DEFAULT_OPERATION,
) -> list[Workload]:
    """The workloads that `--workloads a,b` names and the one in `--data FILE`; without both, the default set.

    kernels: how many race on each
    options: numbers of operations, as texts, for all workloads whose operation has them and whose name does not set
        them
    operation: of workloads that do not name theirs, and of the file

    Raises ValueError, in one line, for an unknown name, a file without a valid problem, a number that makes no sense,
    and a size that does not fit into memory; DatasetUnavailable if the library that reads the file is missing.
    """
    if target is not None and data is None:
        raise ValueError("--target names a column of --data FILE, and there is no --data")
    if operation not in registry.OPERATIONS:
        raise ValueError(f"no operation is called {operation!r}; expected {' or '.join(registry.OPERATIONS)}")
    workload_names = (() if data else default) if listed is None else split(listed, "--workloads")
    prefix = "" if operation == registry.DEFAULT_OPERATION else f"{operation}:"
    all_chosen = [catalog.named(name if ":" in name else prefix + name) for name in workload_names]
    if listed is not None:  # in the default set, a workload whose data is not installed is skipped
        for workload in all_chosen:
            workload.require()
    if data is not None:
        all_chosen.append(for_operation(catalog.from_file(data, target), operation, {}))
    all_chosen = [_with_options(workload, options or {}) for workload in all_chosen]
    for name in options or {}:
        if not any(name in dict(workload.options) for workload in all_chosen):
            having = [one for one in registry.OPERATIONS if name in registry.load_operation(one).options]
            raise ValueError(
                f"--{name.replace('_', '-')} is a number of {' and '.join(having)}, and the workloads are of "
                f"{' and '.join(operations_of(all_chosen))}"
            )
    chosen = {workload.name: workload for workload in all_chosen}
    for workload in chosen.values():
        catalog.require_memory(workload, kernels)
        with suppress(DatasetUnavailable):  # of the default set: skipped in the run
            catalog.require_convergence(workload)
    if data is not None and operation != registry.DEFAULT_OPERATION:
        catalog.inputs(all_chosen[-1])  # raises ValueError where the file's data are outside the operation's domain
    return list(chosen.values())


def _with_options(workload: Workload, options: Mapping[str, str]) -> Workload:
    """The workload with these numbers, where its operation has them and its name does not set them."""
    defaults = {name: option.default for name, option in workload.definition.options.items()}
    free = [name for name, value in workload.options if value == defaults[name]]
    return for_operation(workload, workload.operation, {name: text for name, text in options.items() if name in free})


def option_text(option: Option) -> str:
    """What an operation's number is, with its default."""
    if option.default is None:
        return option.help
    default = option.names[int(option.default)] if option.names else f"{option.default:g}"
    return f"{option.help} (default: {default})"


def operations_of(workloads: Sequence[Workload]) -> tuple[str, ...]:
    """The names of the workloads' operations, each once."""
    return tuple(dict.fromkeys(workload.definition.name for workload in workloads))


def with_baselines(candidates: Sequence[Candidate], workload: Workload) -> list[Candidate]:
    """The candidates, preceded by the kernels that the workload compares with, if these are missing."""
    chosen = {candidate.spec for candidate in candidates}
    missing = [spec for spec in workload.baselines if spec not in chosen]
    return [*(Candidate(spec, selected=False) for spec in missing), *candidates]


def split(listed: str, option: str) -> list[str]:
    """The names, without spaces around them. Raises ValueError if there is none."""
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if not values:
        raise ValueError(f"{option} is empty; expected names separated by commas")
    return values
