"""Which kernels differ between a commit and the working tree, in small repositories; nothing is timed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.commands.race import revisions, source_changes, source_trees
from bench.commands.race.source_trees import Revision
from bench.host.checkout import CHECKOUT
from kernels import registry
from tests.support.git import git

REGISTRY = 'KERNELS = {"a": "kernels.a:A", "b-c": "kernels.b:B"}\n'
FILES = {
    "kernels/__init__.py": "from kernels import registry\n",
    "kernels/registry.py": REGISTRY,
    "kernels/a.py": "from kernels._help import inner\nA = inner\n",
    "kernels/b.py": "import kernels._deep.more\nB = 1  # one\n",
    "kernels/_help.py": "from kernels.contract import Kernel\ninner = 1\n",
    "kernels/_deep/__init__.py": "",
    "kernels/_deep/more.py": "MORE = 1\n",
    "kernels/contract.py": "class Kernel: ...\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    folder = tmp_path / "checkout"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def select(repository: Path, folder: Path, listed: str | None = None) -> revisions.Selection:
    commit = source_trees.resolve("main", repository)
    return revisions.choose(commit, *source_trees.extract_trees(commit, folder), "gradient", listed)


def test_the_commit_and_the_working_tree_are_extracted(repository: Path, tmp_path: Path) -> None:
    (repository / "kernels" / "a.py").write_text("A = 2\n")
    (repository / "kernels" / "new.py").write_text("")
    commit = source_trees.resolve("main", repository)
    assert str(commit) == f"main ({commit.commit})"
    old, new = source_trees.extract_trees(commit, tmp_path / "two")
    assert (old / "a.py").read_text() == FILES["kernels/a.py"]
    assert (new / "a.py").read_text() == "A = 2\n"
    assert (new / "new.py").exists()
    assert not (old / "new.py").exists()
    assert source_trees.table(old, "gradient") == {"a": ("kernels.a:A",), "b-c": ("kernels.b:B",)}


@pytest.mark.parametrize(
    ("file", "text", "differ"),
    [
        ("kernels/a.py", "A = 2\n", {"a": ["kernels/_help.py", "kernels/a.py"]}),
        ("kernels/_help.py", "inner = 2\n", {"a": ["kernels/_help.py"]}),
        ("kernels/contract.py", "class Kernel: name: str\n", {}),  # both versions get this version's types
        ("kernels/_deep/more.py", "MORE = 2\n", {"b-c": ["kernels/_deep/more.py"]}),
        ("kernels/b.py", "import kernels._deep.more\n\nB = 1  # another comment\n", {}),
        ("kernels/b.py", '"""Docs."""\nimport kernels._deep.more\nB = 1\n"""Of B."""\n', {}),
        ("kernels/b.py", "import math\nimport kernels._deep.more\nB = 1\n", {"b-c": ["kernels/b.py"]}),
        ("kernels/a.py", "from kernels._help import inner as A\nA = inner\n", {"a": ["kernels/a.py"]}),
        ("kernels/b.py", "no Python\n", {"b-c": ["kernels/_deep/more.py", "kernels/b.py"]}),
        ("kernels/__init__.py", "from kernels import registry, contract\n", {}),
    ],
)
def test_a_kernel_differs_if_its_file_or_a_helper_differs(
    file: str, text: str, differ: dict[str, list[str]], repository: Path, tmp_path: Path
) -> None:
    (repository / file).write_text(text)
    assert differences(repository, tmp_path) == differ


def differences(repository: Path, folder: Path, operation: str = "gradient") -> dict[str, list[str]]:
    commit = source_trees.resolve("main", repository)
    old, new = source_trees.extract_trees(commit, folder / "two")
    return source_changes.changed(old, new, source_trees.table(old, operation), source_trees.table(new, operation))


NESTED = """
KERNELS = {
    "gradient": {"a": "kernels.gradient.a:A", "b-c": "kernels.gradient.b:B"},
    "walk": {"all": "kernels.walk.all:made", "own": "kernels.walk.all:OWN"},
}
DRIVERS = {"walk": "kernels.walk.driver:driven", "run": "kernels.walk.driver:driven"}
MADE_OF = {"all": "b-c"}
"""


@pytest.fixture
def moved(repository: Path) -> Path:
    """The checkout with the files of its commit in a folder, and a second operation."""
    kernels = repository / "kernels"
    for folder in ("gradient", "walk"):
        (kernels / folder).mkdir()
    for file in ("a.py", "b.py"):
        (kernels / file).rename(kernels / "gradient" / file)
    (kernels / "walk" / "driver.py").write_text("import kernels._deep.more\ndef driven(kernel): ...\n")
    (kernels / "walk" / "all.py").write_text("def made(kernel): ...\nOWN = 1\n")
    (kernels / "registry.py").write_text(NESTED)
    return repository


def test_each_operation_has_its_table(moved: Path) -> None:
    kernels = moved / "kernels"
    assert source_trees.table(kernels, "gradient") == {
        "a": ("kernels.gradient.a:A",),
        "b-c": ("kernels.gradient.b:B",),
    }
    driven = {
        "a": ("kernels.gradient.a:A", "kernels.walk.driver:driven"),
        "b-c": ("kernels.gradient.b:B", "kernels.walk.driver:driven"),
    }
    assert source_trees.table(kernels, "run") == driven
    own = {"all": ("kernels.walk.all:made", "kernels.gradient.b:B"), "own": ("kernels.walk.all:OWN",)}
    assert source_trees.table(kernels, "walk") == driven | own
    with pytest.raises(ValueError, match="^it has no operation 'swim', only gradient, walk, run$"):
        source_trees.table(kernels, "swim")


def test_the_table_of_this_checkout_is_the_registrys() -> None:
    for operation in registry.OPERATIONS:
        table = source_trees.table(CHECKOUT / "kernels", operation)
        assert tuple(table) == registry.names(operation)
        for name, (own, *_) in table.items():
            assert own == registry.KERNELS[operation].get(name, registry.KERNELS["gradient"].get(name))


def test_a_kernel_whose_files_only_moved_is_the_same(moved: Path, tmp_path: Path) -> None:
    assert differences(moved, tmp_path) == {}


def test_what_moved_and_changed_differs_under_its_new_path(moved: Path, tmp_path: Path) -> None:
    (moved / "kernels" / "gradient" / "a.py").write_text("from kernels._help import inner\nA = [inner]\n")
    (moved / "kernels" / "registry.py").write_text(NESTED.replace("gradient.b:B", "gradient.b:B2"))
    assert differences(moved, tmp_path) == {
        "a": ["kernels/gradient/a.py"],
        "b-c": ["its entry in kernels/registry.py"],
    }


def test_a_statement_that_went_to_another_file_is_the_same(repository: Path, tmp_path: Path) -> None:
    (repository / "kernels" / "_help.py").write_text("from kernels._deep.inside import inner\n")
    (repository / "kernels" / "_deep" / "inside.py").write_text("from typing import Any\ninner = 1\n")
    assert differences(repository, tmp_path) == {}
    (repository / "kernels" / "_deep" / "inside.py").write_text("inner = 1\ninner = 1\n")
    shutil.rmtree(tmp_path / "two")
    assert differences(repository, tmp_path) == {"a": ["kernels/_deep/inside.py", "kernels/_help.py"]}


def test_the_order_of_statements_counts(repository: Path, tmp_path: Path) -> None:
    (repository / "kernels" / "b.py").write_text("B = 1\nB = 2\n")
    git(repository, "commit", "-qam", "second")
    (repository / "kernels" / "b.py").write_text("B = 2\nB = 1\n")
    assert differences(repository, tmp_path) == {"b-c": ["kernels/b.py"]}


def test_a_driver_and_a_kernel_that_another_is_made_of_count(moved: Path, tmp_path: Path) -> None:
    git(moved, "add", ".")
    git(moved, "commit", "-qm", "second")
    assert differences(moved, tmp_path, "walk") == {}
    for file, text, differing in (
        ("walk/driver.py", "def driven(kernel): pass\n", ["a", "b-c"]),
        ("gradient/b.py", "B = 2\n", ["b-c", "all"]),
    ):
        original = (moved / "kernels" / file).read_text()
        (moved / "kernels" / file).write_text(text)
        shutil.rmtree(tmp_path / "two")
        assert list(differences(moved, tmp_path, "walk")) == differing
        (moved / "kernels" / file).write_text(original)


def test_kernels_that_differ_race_and_the_reason_is_printed(repository: Path, tmp_path: Path) -> None:
    (repository / "kernels" / "b.py").write_text("B = 2\n")
    selection = select(repository, tmp_path / "two")
    assert (selection.kernels, selection.requested) == (("b-c",), False)
    assert selection.reasons[1].startswith("b-c: kernels/")


def test_all_kernels_race_if_none_differs(repository: Path, tmp_path: Path) -> None:
    selection = select(repository, tmp_path / "two")
    assert selection.kernels == ("a", "b-c")
    assert "none differs from main" in selection.reasons[0]


def test_a_kernel_that_the_commit_does_not_have_is_skipped_with_a_line(repository: Path, tmp_path: Path) -> None:
    registry = REGISTRY.replace("}", ', "d": "kernels.a:D", "b-gpu": "kernels.b:G"}').replace("b:B", "b:B2")
    (repository / "kernels" / "registry.py").write_text(registry)
    selection = select(repository, tmp_path / "two")
    assert selection.kernels == ("b-c",)
    assert "b-c: its entry in kernels/registry.py" in selection.reasons
    assert [line for line in selection.reasons if line.startswith("skipped: d: not in main (")]


def test_no_kernel_at_the_commit_is_an_error(repository: Path, tmp_path: Path) -> None:
    (repository / "kernels" / "registry.py").write_text('KERNELS = {"d": "kernels.a:D"}\n')
    with pytest.raises(ValueError, match=r"none of d is in main \(\w{7}\): there is nothing to race against"):
        select(repository, tmp_path / "two")


def test_a_commit_with_a_different_layout_is_an_error(repository: Path, tmp_path: Path) -> None:
    (repository / "kernels" / "registry.py").write_text("KERNELS: dict = load()\n")
    git(repository, "commit", "-qam", "second")
    (repository / "kernels" / "registry.py").write_text(REGISTRY)
    with pytest.raises(ValueError, match=r"main \(\w{7}\): its kernels/registry.py has no literal table KERNELS"):
        select(repository, tmp_path / "two")
    git(repository, "rm", "-rq", "--cached", "kernels")
    git(repository, "commit", "-qm", "third", "--allow-empty")
    with pytest.raises(ValueError, match=r"main \(\w{7}\) has no folder kernels/"):
        select(repository, tmp_path / "three")


def test_an_unknown_commit_is_an_error(repository: Path) -> None:
    for name in ("nowhere", "--all", ""):
        with pytest.raises(ValueError, match=f"there is no commit '{name}' here; expected a branch"):
            source_trees.resolve(name, repository)


def test_a_checkout_without_a_repository_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ValueError, match="this checkout is not a git repository"):
        source_trees.resolve("main", tmp_path)


def test_missing_git_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="git is not installed"):
        source_trees.resolve("main", tmp_path)


def test_a_hash_is_not_repeated() -> None:
    assert str(Revision(Path(), "0123456789", "0123456")) == "0123456789"
