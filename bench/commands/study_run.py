"""What the commands that make a study have in common: their options; making, resuming, showing and drawing one."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.commands.exit_codes import INTERRUPTED, OK

if TYPE_CHECKING:
    from bench.commands.study_file import Study
    from bench.report.table import Table

Row = dict[str, Any]
_LARGEST = 2**31
"""Of whole numbers in a plan."""
Tick = Callable[[str, int], None]
"""(what is done now, how many rows are done)"""


class Kind(NamedTuple):
    """A study, as a value."""

    name: str
    schema: int
    row: type
    """The type of its rows in a file, a TypedDict."""
    plan: Mapping[str, Any]
    """One as in a file: all plans have these names, with values of these types."""
    check: Callable[[Study], str | None]
    """What is wrong with a study whose types are right."""
    tables: Callable[[Study], list[Table]]
    """What is printed of it."""
    drawing: Callable[[Study], dict[str, Any]]
    """Its figure, in Vega-Lite."""


class Make(NamedTuple):
    """What a command asks for."""

    plan: Mapping[str, Any]
    """All that must be the same for a study to continue."""
    descents: int
    """How many rows a finished study has."""
    minutes: str
    """The time limit, as a user wrote it."""
    rows: Callable[[list[Row], float, Callable[[], None], Tick], bool]
    """(rows, deadline of time.monotonic(), save, tick): add what is missing. Returns whether all is done."""


def add_arguments(parser: argparse.ArgumentParser, name: str, minutes: str) -> None:
    """Add the options that all studies have."""
    parser.add_argument("--minutes", metavar="N", help=f"time limit (default: {minutes})")
    parser.add_argument(
        "--output", metavar="FILE.json", type=Path, help=f"default: results/<machine>/{name}/<time>-<commit>.json"
    )
    parser.add_argument(
        "--resume", metavar="FILE.json", type=Path, help="go on with a study that ended early; with the same options"
    )
    parser.add_argument("--show", metavar="FILE.json", type=Path, help="print a stored study, and train nothing")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--svg", metavar="FILE.svg", type=Path, help="draw it; with --show a stored one")


def study(chosen: argparse.Namespace, kind: Kind, make: Make) -> int:
    """Make a study, or show one; returns the exit code. Raises ValueError, in one line, for what makes no sense."""
    from bench.report.output import relative, require_page_extra

    if chosen.svg:
        require_page_extra()
        if chosen.svg.suffix != ".svg":
            raise ValueError(f"--svg is {str(chosen.svg)!r}; expected a name that ends in .svg")
    if chosen.show:
        _print(_read(chosen.show, kind), kind, chosen)
        return OK
    made, path, code = _made(chosen, kind, make)
    _print(made, kind, chosen)
    print(f"results: {relative(path)}", file=sys.stderr)
    return code


def _read(path: Path, kind: Kind) -> Study:
    from bench.commands import study_file

    stored = study_file.read(path, kind.name, kind.schema, kind.row)
    of_plan = None if _is_like(stored["plan"], kind.plan) else "plan has other names or types"
    if invalid := of_plan or kind.check(stored):
        raise ValueError(f"{path.name}: not a valid study of {kind.name}: {invalid}")
    return stored


def _is_like(value: Any, model: Any) -> bool:
    if isinstance(model, Mapping):
        return value.keys() == model.keys() and all(_is_like(value[name], model[name]) for name in model)
    if isinstance(model, list):
        return isinstance(value, list) and bool(value) and all(_is_like(one, model[0]) for one in value)
    is_number = isinstance(value, (int, float))
    return type(value) is type(model) and (not is_number or 0 <= value <= (_LARGEST if type(value) is int else 1e30))


def _made(chosen: argparse.Namespace, kind: Kind, make: Make) -> tuple[Study, Path, int]:
    from bench.commands import study_file
    from bench.runner import numbers

    limit = numbers.ABOVE_0.parse("--minutes", make.minutes)
    deadline, total = time.monotonic() + 60 * limit, make.descents
    made, path = _begun(chosen, kind, make.plan)
    print(f"{total} trainings, at most {limit:g} min; Ctrl-C keeps what is finished", file=sys.stderr)
    shown = set[str]()

    def tick(what: str, done: int) -> None:
        if what not in shown:
            shown.add(what)
            print(f"{what} ({done / total:.0%} done)", file=sys.stderr)

    def save() -> None:
        study_file.replace(path, kind.name, made)

    code = OK
    try:
        made["finished"] = make.rows(made["rows"], deadline, save, tick)
        save()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        raise ValueError(f"{path.name} cannot be written: {error.strerror}") from None
    return made, path, code


def _begun(chosen: argparse.Namespace, kind: Kind, plan: Mapping[str, Any]) -> tuple[Study, Path]:
    from bench.commands import study_file
    from bench.host import machine

    if chosen.resume and chosen.output:
        raise ValueError("--resume FILE.json goes on in that file; leave --output out")
    if chosen.output and chosen.output.suffix != ".json":
        raise ValueError(f"--output is {str(chosen.output)!r}; expected a name that ends in .json")
    if not chosen.resume:
        begun: Study = {**study_file.header(kind.schema, plan), "rows": []}
        path = chosen.output or study_file.default_path(kind.name, begun)
        return begun, study_file.create(path, kind.name, begun)
    stored, here = _read(chosen.resume, kind), machine.fingerprint()["id"]
    if stored["machine"]["id"] != here:
        raise ValueError(f"{chosen.resume.name} is of {stored['machine']['id']}, and this is {here}: begin another")
    for name, value in plan.items():
        if stored["plan"].get(name) != value:
            raise ValueError(f"{chosen.resume.name} has another {name}: resume with its options, or leave it out")
    path = chosen.resume
    return stored, path


def _print(made: Study, kind: Kind, chosen: argparse.Namespace) -> None:
    from rich.console import Console

    from bench.report.output import write
    from bench.report.page.palette import with_light_colours
    from bench.report.table import Table, markdown_lines, print_table

    again = "" if made["finished"] else f", NOT COMPLETE: python -m bench {kind.name} --resume FILE.json goes on"
    header = f"study of {kind.name} on {made['machine']['id']}, commit {made['commit']}, {made['began']}{again}"
    if chosen.markdown:
        lines = [header]
        for table in kind.tables(made):
            lines += ["", *markdown_lines(table)]
        print("\n".join(lines))
    else:
        console = Console(highlight=False)
        print_table(console, Table(header, (), ()))
        for table in kind.tables(made):
            console.print()
            print_table(console, table)
    if chosen.svg:
        import vl_convert

        drawing = with_light_colours(kind.drawing(made))
        write(chosen.svg, vl_convert.vegalite_to_svg(json.dumps(drawing)))
