"""Pages and pictures as files. A file is written completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import whole_file

if TYPE_CHECKING:
    from bench.results.record import Results

MISSING = "a page needs Altair and vl-convert: pip install '.[report]'"


def page_line(file: Path, results: Results | None = None) -> str:
    """Write the page beside the run and return a line that says where it is, or that its libraries are missing.

    Raises ValueError where the page cannot be written.
    """
    from bench.results import run_file

    try:
        require_page_extra()
    except ValueError as missing:
        return f"no page: {missing}"
    return f"page: {relative(write_page(file.with_suffix('.html'), results or run_file.read(file)))}"


def write_page(output: Path, results: Results) -> Path:
    """Write the page of a run and return its path. Raises ValueError where that fails."""
    from bench.report.page.run_page import run_page

    if not any(record.seconds for record in results.records):
        raise ValueError("no kernel was timed in it, so there is nothing to draw")
    write(output, run_page(results))
    return output


def write_pictures(results: Results, folder: Path) -> Iterator[Path]:
    """Write each chart of the page into the folder. Raises ValueError where that fails."""
    from bench.report.page.run_page import pictures

    for name, svg in pictures(results):
        write(folder / f"{name}.svg", svg)
        yield folder / f"{name}.svg"


def write(path: Path, text: str) -> None:
    """Write the file completely or not at all. Raises ValueError where that fails."""
    temporary = whole_file.beside(path)
    try:
        if path.exists() and not path.is_file():  # a rename would replace a device or a pipe
            path.write_text(text, encoding="utf-8")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def require_page(output: Path) -> None:
    """Raise ValueError where the name is not one for a page, or the libraries for a page are missing."""
    if output.suffix == ".json":
        raise ValueError(f"--output {output}: a page is HTML; expected a name such as {output.with_suffix('.html')}")
    require_page_extra()


def require_page_extra() -> None:
    """Raise ValueError where the libraries for a page are missing."""
    from importlib.util import find_spec

    if not (find_spec("altair") and find_spec("vl_convert")):
        raise ValueError(MISSING)


def relative(path: Path) -> str:
    """The path relative to the current folder."""
    return os.path.relpath(path)
