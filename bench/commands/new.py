"""`python -m bench new my_kernel.py`: write a kernel that passes every check, as a start for the user's own.

The texts are those of the operation: kernels/<operation>/templates.py.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from bench.commands.exit_codes import OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", metavar="FILE.py", type=Path)
    parser.add_argument(
        "--operation", metavar="NAME", help="what it computes, such as descend (default: the gradient)"
    )
    parser.add_argument("--style", default="numpy", metavar="STYLE", help="numpy, numba or jax (default: numpy)")


def new(chosen: argparse.Namespace) -> int:
    """Write a kernel file and print what to do with it."""
    from kernels import registry

    operation = registry.DEFAULT_OPERATION if chosen.operation is None else chosen.operation
    print(*write(chosen.file, operation, chosen.style), sep="\n")
    return OK


def write(path: Path, operation: str, style: str) -> list[str]:
    """Write the kernel and return lines that say what to do with it. Raises ValueError where that fails."""
    from bench.workloads import catalog
    from bench.workloads.options import for_operation
    from kernels import registry

    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ValueError(f"{path.name!r} cannot be imported; expected a name of letters and underscores, with .py")
    if operation not in registry.OPERATIONS:
        raise ValueError(f"--operation is {operation!r}; expected {' or '.join(registry.OPERATIONS)}")
    templates = registry.part_of(operation, "templates")
    if style not in templates.STYLES:
        raise ValueError(f"--style is {style!r}; expected one of {', '.join(templates.STYLES)}")
    shadows = path.resolve().parent == Path.cwd() and not path.exists()  # Python looks in this folder first
    if shadows and (path.stem in sys.stdlib_module_names or find_spec(path.stem)):
        raise ValueError(f"{path.name} would hide the module {path.stem}; expected a name of your own")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(templates.STYLES[style])
    except FileExistsError:
        raise ValueError(f"{path} exists already; it was not changed") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None
    workload = for_operation(catalog.named("lecture"), operation, {}).name
    # without --workloads, a run has the default ones, which are of the default operation
    on_it = "" if operation == registry.DEFAULT_OPERATION else f" --workloads {workload}"
    spec = f"{path}:{templates.ATTRIBUTE}"
    return [
        f"wrote {path}: it passes every check as it is; change it, then run",
        f"  python -m bench check {spec} --workloads {workload}",
        f"  pytest --benchmark --kernels {spec},numpy{on_it}",
    ]
