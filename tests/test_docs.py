"""The docs are true: their examples run, and their figures stand in a file under results/."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from bench import record
from bench.report import markdown
from bench.session import CHECKOUT
from kernels import reference


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_examples_in_docs(page: Path) -> None:
    assert doctest.testfile(str(page), module_relative=False).failed == 0


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(reference).attempted > 0
    assert doctest.testmod(reference).failed == 0


def test_the_readmes_table_is_that_of_its_results_file() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    found = re.search(r"<!-- (results/\S+\.json) -->\n(.*?)<!-- end -->", readme, re.DOTALL)
    assert found, "the README names its results file"
    assert found[2].strip() == markdown.tables(record.read(CHECKOUT / found[1])).strip()


def test_every_results_file_is_read_and_names_no_folder() -> None:
    files = sorted((CHECKOUT / "results").glob("*/*.json"))
    assert files
    for file in files:
        assert record.read(file).records
        assert not re.search(r'"[^"]*(/home/|/root/|/Users/|/tmp/)', file.read_text())
