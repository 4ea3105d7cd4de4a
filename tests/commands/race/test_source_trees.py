"""Which kernels differ between a commit and the working tree, in small repositories; nothing is timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.commands.race import revisions, source_trees
from bench.commands.race.source_trees import Revision
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
    return revisions.choose(commit, *source_trees.extract_trees(commit, folder), listed)


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
    assert source_trees.table(old) == {"a": "kernels.a:A", "b-c": "kernels.b:B"}


@pytest.mark.parametrize(
    ("file", "text", "differ"),
    [
        ("kernels/a.py", "A = 2\n", {"a": ["kernels/_help.py", "kernels/a.py", "kernels/contract.py"]}),
        ("kernels/_help.py", "inner = 2\n", {"a": ["kernels/_help.py", "kernels/contract.py"]}),
        ("kernels/contract.py", "class Kernel: name: str\n", {"a": ["kernels/contract.py"]}),
        ("kernels/_deep/more.py", "MORE = 2\n", {"b-c": ["kernels/_deep/more.py"]}),
        ("kernels/b.py", "import kernels._deep.more\n\nB = 1  # another comment\n", {}),
        ("kernels/b.py", "no Python\n", {"b-c": ["kernels/_deep/more.py", "kernels/b.py"]}),
        ("kernels/__init__.py", "from kernels import registry, contract\n", {}),
    ],
)
def test_a_kernel_differs_if_its_file_or_a_helper_differs(
    file: str, text: str, differ: dict[str, list[str]], repository: Path, tmp_path: Path
) -> None:
    (repository / file).write_text(text)
    commit = source_trees.resolve("main", repository)
    old, new = source_trees.extract_trees(commit, tmp_path / "two")
    assert source_trees.changed(old, new, source_trees.table(new)) == differ


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
