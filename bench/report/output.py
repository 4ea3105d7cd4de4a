"""Pages and pictures as files, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.results.record import Results

MISSING = "a page needs Altair and vl-convert: pip install '.[report]'"


def page_line(file: Path, results: Results | None = None) -> str:
    """Write the page beside the run, if its libraries are there, and say where it is. Raises ValueError."""
    from bench.results import run_file

    try:
        require_page_extra()
    except ValueError as missing:
        return f"no page: {missing}"
    return f"page: {relative(write_page(file, file.with_suffix('.html'), results or run_file.read(file)))}"


def write_page(file: Path, output: Path, results: Results) -> Path:
    """The page of a run, written whole or not at all. Raises ValueError where it cannot be."""
    from bench.report.page.run_page import run_page

    if not any(one.seconds for one in results.records):
        raise ValueError(f"{file.name}: no kernel was timed in it, so there is nothing to draw")
    write(output, run_page(results))
    return output


def write_pictures(results: Results, folder: Path) -> Iterator[Path]:
    """Write the page's charts into the folder, a file each. Raises ValueError where one cannot be."""
    from bench.report.page.run_page import pictures

    for name, svg in pictures(results):
        write(folder / f"{name}.svg", svg)
        yield folder / f"{name}.svg"


def write(path: Path, text: str) -> None:
    """Whole or not at all. Raises ValueError where it cannot be."""
    whole = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
        whole.replace(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        if whole.exists():
            whole.unlink()


def require_page(output: Path) -> None:
    """Raise ValueError where no page can be called that, or what draws one is not installed."""
    if output.suffix == ".json":
        raise ValueError(f"--output {output}: a page is HTML; expected a name such as {output.with_suffix('.html')}")
    require_page_extra()


def require_page_extra() -> None:
    """Raise ValueError where what draws a page is not installed."""
    from importlib.util import find_spec

    if not (find_spec("altair") and find_spec("vl_convert")):
        raise ValueError(MISSING)


def relative(path: Path) -> str:
    """As seen from the current folder."""
    return os.path.relpath(path)
