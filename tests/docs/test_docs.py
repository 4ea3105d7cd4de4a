"""The docs are true: their examples run, their figures are those of a file under results/, their paths exist."""

from __future__ import annotations

import doctest
import re
from dataclasses import fields

import pytest

from bench.host.checkout import CHECKOUT
from bench.report import markdown
from bench.report.page.run_page import pictures
from bench.report.race_tables import LEGEND
from bench.results import run_file
from bench.results.record import Cold, Error, Record
from bench.workloads import catalog
from kernels import load_operation, names
from kernels.gradient import reference
from tests.support.committed import committed


def test_the_examples_give_what_they_show() -> None:
    for outcome in (
        doctest.testfile(str(CHECKOUT / "docs" / "neuron.md"), module_relative=False),
        doctest.testmod(reference),
    ):
        assert outcome.attempted > 0
        assert outcome.failed == 0


def test_every_field_of_a_record_is_described() -> None:
    page = (CHECKOUT / "docs" / "record.md").read_text()
    for kind, prefix in ((Record, ""), (Error, "error."), (Cold, "")):
        for field in fields(kind):
            assert f"`{prefix}{field.name}`" in page or f"`{field.name}." in page or field.name == "cold"


def test_every_kernel_and_every_check_is_described() -> None:
    readme, gate = ((CHECKOUT / page).read_text() for page in ("README.md", "docs/gate.md"))
    assert all(f"`{name}`" in readme for name in names())
    inputs = catalog.inputs(catalog.named("lecture"))
    checks = [check.name for check in load_operation("gradient").probes(inputs)]
    assert all(f"`{check}`" in gate for check in ("data", *checks, "unseen"))


def test_every_path_and_link_of_the_docs_exists() -> None:
    for page in (CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *(CHECKOUT / "docs").glob("*.md")):
        text = page.read_text()
        paths = [CHECKOUT / path for path in re.findall(r"`((?:bench|kernels|tests|docs)/[\w/.-]+)`", text)]
        links = [page.parent / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
        missing = [path for path in (*paths, *links) if not path.exists()]
        assert not missing, f"{page.name} names {missing}"


@pytest.mark.parametrize("name", ["descent.md", "fit.md"])
def test_the_tables_of_an_operation_are_those_of_its_results_file(name: str) -> None:
    page = (CHECKOUT / "docs" / name).read_text()
    block = re.search(r"<!-- (results/\S+\.json) (\S+) -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert block, "the page names its results file and its workloads"
    assert block[3].strip() == markdown.tables(run_file.read(CHECKOUT / block[1]), block[2].split(",")).strip()


def test_the_readmes_tables_and_picture_are_those_of_its_results_file() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    block = re.search(r"<!-- (results/\S+\.json) (\S+) -->\n(.*?)<!-- end -->", readme, re.DOTALL)
    assert block, "the README names its results file and the workloads"
    results = run_file.read(CHECKOUT / block[1])
    assert block[3].strip() == markdown.tables(results, block[2].split(",")).strip()
    (drawn,) = (svg for name, svg in pictures(results) if name == "speedup")
    assert (CHECKOUT / "docs" / "speedup.svg").read_text() == drawn


def test_the_readme_explains_the_columns_as_the_terminal_does() -> None:
    readme = " ".join((CHECKOUT / "README.md").read_text().split())
    gradient = load_operation("gradient")
    own = {"of ceiling": gradient.texts["ceiling"], "GB/s": gradient.texts["bytes"], **gradient.figures}
    for heading, text in (LEGEND | own).items():
        assert f"- `{heading.format(baseline='loops')}`: {text.format(baseline='loops')}" in readme


def test_the_ladder_is_that_of_its_results_file() -> None:
    page = (CHECKOUT / "docs" / "ladder.md").read_text()
    block = re.search(r"<!-- (results/\S+\.json) (\S+) -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert block, "the page names its results file and its workload"
    assert block[3].strip() == markdown.ladder(run_file.read(CHECKOUT / block[1]), block[2]).strip()


def test_every_results_file_is_read_and_names_no_folder() -> None:
    for file in committed():
        assert run_file.read(file).records
        assert not re.search(r'"[^"]*/(home|root|Users|tmp)/', file.read_text())
