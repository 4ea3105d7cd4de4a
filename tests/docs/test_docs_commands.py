"""docs/your-kernel.md and docs/ci.md as a reader follows them: every file is written, every command runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.host.checkout import CHECKOUT
from kernels import registry

PAGE = (CHECKOUT / "docs" / "your-kernel.md").read_text()
BLOCKS = re.findall(r"([^\n]*)\n+```(\w+)\n(.*?)```", PAGE, re.DOTALL)
# as short as possible; options of the page's commands come later, and take precedence
SHORT = "--benchmark-max-time=0.01 --launches=1 --no-ceilings --no-page -p no:cacheprovider"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a run needs, to which the reader's files are added."""
    copy = tmp_path_factory.mktemp("reader") / "logitbench"
    copy.mkdir()
    for folder in ("bench", "kernels"):
        shutil.copytree(CHECKOUT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("conftest.py", "pyproject.toml"):
        shutil.copy(CHECKOUT / file, copy)
    return copy


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the page with this interpreter."""
    program, *arguments = shlex.split(line, comments=True)
    command = {"python": [sys.executable], "pytest": [sys.executable, "-m", "pytest"]}[program]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"PYTEST_ADDOPTS": SHORT, "COLUMNS": "80"}
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
def test_every_file_and_command_of_the_page_does_what_it_says(checkout: Path) -> None:
    marked_rows = 0
    for above, language, text in BLOCKS:
        if language == "python":
            (name,) = re.findall(r"`(my_\w+\.py)`", above + PAGE[: PAGE.index(text)].rpartition("\n\n")[0])[-1:]
            (checkout / name).write_text(text)
            continue
        assert language == "sh"
        for line in text.splitlines():
            ran = run(line, checkout)
            expected = 1 if line.endswith("# exits with 1") else 0
            assert ran.returncode == expected, f"{line}\n{ran.stdout}{ran.stderr}"
            marked_rows += bool(re.search(r"^→ my_\w+:(gradient|descend|fit) ", ran.stdout, re.MULTILINE))
            if "bench new" in line:
                options = dict(re.findall(r"--(\w+) (\w+)", line))
                templates = registry.part_of(options.get("operation", "gradient"), "templates")
                text_of_style = templates.STYLES[options.get("style", "numpy")]
                assert f"```python\n{text_of_style}```" in PAGE or options in (
                    {"operation": "descend", "style": "numba"},
                    {"operation": "fit"},
                )
            if line.endswith("my_speed.py"):
                assert re.search(
                    r"= speedup assertions =+\n\d passed, 0 failed, \d not shown either way\n", ran.stdout
                ), ran.stdout
    assert marked_rows == 8


def test_the_workflow_is_valid_and_its_commands_exist() -> None:
    page = (CHECKOUT / "docs" / "ci.md").read_text()
    (workflow,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert "\t" not in workflow
    assert "fetch-depth: 0" in workflow
    assert ".venv/installed:" in (CHECKOUT / "Makefile").read_text()
    (line,) = re.findall(r"-m bench (race .*)", workflow)
    from bench.__main__ import _parser

    chosen = _parser().parse_args(line.replace("${{ github.base_ref }}", "main").split())
    assert (chosen.revision, chosen.minutes) == ("origin/main", "15")
