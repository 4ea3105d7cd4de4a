"""Workloads: a name means the same data everywhere; a user's file is read and validated, and never executed."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from bench.runner import selection
from bench.workloads import catalog, datasets
from bench.workloads.datasets import DatasetUnavailable
from bench.workloads.parameters import SEED
from bench.workloads.synthetic import synthetic


@pytest.mark.parametrize("name", catalog.DEFAULT)
def test_default_names_are_full_names(name: str) -> None:
    assert catalog.named(name).name == name


@pytest.mark.parametrize(
    ("name", "full", "dtype", "order"),
    [
        ("1000x2", "1000x2-f64", "float64", "C"),
        ("1000x2-F", "1000x2-f64-F", "float64", "F"),
        ("1000x2-f32-C", "1000x2-f32", "float32", "C"),
        ("lecture-f64", "lecture", "float64", "C"),
        ("breast-cancer-f32-F", "breast-cancer-f32-F", "float32", "F"),
    ],
)
def test_names(name: str, full: str, dtype: str, order: str) -> None:
    workload = catalog.named(name)
    assert (workload.name, workload.dtype, workload.order) == (full, dtype, order)
    assert (workload.operation, workload.options) == ("gradient", ())
    X, y = catalog.inputs(workload).placed.values()
    assert (X.shape, y.shape) == ((workload.m, workload.n), (workload.m,))
    assert (X.dtype, y.dtype) == (workload.dtype, workload.dtype)
    assert X.flags.f_contiguous if order == "F" else X.flags.c_contiguous


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lectur", "no workload is called 'lectur'; the nearest: lecture"),
        ("0x3", "'0x3' has no examples"),
        ("3x0-f32", "'3x0-f32' has no features"),
        ("9" * 400 + "x2", "no workload is called '999"),
        ("10x3-f16", "no workload is called '10x3-f16'"),
        ("10x3-F-f32", "no workload is called"),
        ("", "no workload is called ''"),
        ("-5x3", "no workload is called '-5x3'"),
    ],
)
def test_invalid_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        catalog.named(name)


def test_a_size_that_does_not_fit_into_memory() -> None:
    with pytest.raises(ValueError, match=r"1000000x1000000000-f64 needs about [\d,]+ GiB; \d+ GiB is free"):
        selection.choose_workloads("1000000x1000000000")


def test_synthetic_data_is_seeded_and_has_no_subnormals() -> None:
    X, y = synthetic(20_000, 3)
    same_X, same_y = synthetic(20_000, 3)
    np.testing.assert_array_equal(X, same_X)
    np.testing.assert_array_equal(y, same_y)
    assert not np.array_equal(X, synthetic(20_000, 4)[0][:, :3])
    assert np.abs(X.astype(np.float32)).min() > np.finfo(np.float32).smallest_normal
    assert np.all(np.abs(X.mean(axis=0)) < 5 / np.sqrt(20_000))
    assert 0.05 < y.mean() < 0.95


def test_labels_are_drawn_from_the_model() -> None:
    from sklearn.linear_model import LogisticRegression

    X, y = synthetic(20_000, 3)
    fitted = LogisticRegression(C=np.inf).fit(X, y)
    rng = np.random.default_rng([SEED, 20_000, 3])
    np.testing.assert_allclose(fitted.coef_[0], 2 * rng.standard_normal(3) / np.sqrt(3), atol=0.15)


@pytest.mark.parametrize(
    ("name", "baseline"),
    [("lecture", "loops"), ("10000x32", "loops"), ("250000x32", "loops-examples"), ("1000000x32", "numpy")],
)
def test_baseline(name: str, baseline: str) -> None:
    assert catalog.named(name).baseline == baseline


def test_bytes() -> None:
    workload = catalog.named("1000x2-f32")
    assert workload.work is not None
    assert (workload.bytes_of_x, workload.work.bytes) == (8000, 8000 + 4000 + 16)
    assert workload.work.ceilings == {"read": 8000 + 4000, "sigmoid": 1000, "multiply": 4 * 1000 * 2}


def test_a_descent_does_the_work_of_a_gradient_for_each_cost() -> None:
    gradient, descent = catalog.named("1000x2-f32").work, catalog.named("descend:1000x2-f32@steps=9").work
    assert gradient is not None
    assert descent is not None
    assert descent.bytes == 10 * gradient.bytes
    assert descent.ceilings == {name: 10 * amount for name, amount in gradient.ceilings.items()}


def test_breast_cancer_is_standardised() -> None:
    X, y = datasets.breast_cancer()
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0), 1)
    assert (X.shape, y.sum()) == ((569, 30), 357)


def test_flights() -> None:
    try:
        X, y = datasets.flights()
    except DatasetUnavailable as missing:
        pytest.skip(str(missing))
    workload = catalog.named("flights")
    assert X.shape == (workload.m, workload.n) == (336_776 - 9_430, 42)
    np.testing.assert_array_equal(X[:, 4:].sum(axis=1), 4)  # one of each of the four one-hot groups
    np.testing.assert_allclose(X[:, :4].std(axis=0), 1)
    # flights 0, 1 and 7 are scheduled to leave at 5:15, 5:29 and 6:00, and to arrive at 8:19, 8:30 and 7:23
    np.testing.assert_allclose((X[1, :2] - X[0, :2]) / (X[7, :2] - X[0, :2]), [14 / 45, -11 / 56])
    assert y.sum() == 77_630  # more than 15 minutes late; another 2,470 are 15 minutes late


def test_flights_without_the_data_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(DatasetUnavailable, match=r'install the data extra.*"\.\[data\]"'):
        datasets.flights()


GOOD = "height,weight,sick\n1.5,50,0\n1.8,90,1\n1.7,70,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import pandas

    (tmp_path / "good.csv").write_text(GOOD)
    pandas.read_csv(tmp_path / "good.csv").to_parquet(tmp_path / "good.parquet")
    (tmp_path / "good.svm").write_text("0 1:1.5 2:50\n1 1:1.8 2:90\n1 1:1.7 2:70\n")
    np.savez(tmp_path / "good.npz", X=np.array([[1.5, 50], [1.8, 90], [1.7, 70]]), y=np.array([0, 1, 1]))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "target"),
    [("good.csv", "sick"), ("good.parquet", "sick"), ("good.svm", None), ("good.npz", None)],
)
def test_a_users_file(folder: Path, name: str, target: str | None) -> None:
    workload = catalog.from_file(folder / name, target)
    assert (workload.name, workload.m, workload.n) == ("good", 3, 2)
    X, y = catalog.inputs(workload).placed.values()
    np.testing.assert_array_equal(X, [[1.5, 50], [1.8, 90], [1.7, 70]])
    np.testing.assert_array_equal(y, [0, 1, 1])


def test_a_file_keeps_its_order_and_dtype(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "f.npz",
        X=np.asfortranarray(np.eye(3, 2, dtype=np.float32)),
        y=np.array([True, False, True]),
    )
    workload = catalog.from_file(tmp_path / "f.npz", None)
    assert (workload.dtype, workload.order) == (np.float32, "F")


def test_a_files_name_does_not_replace_a_workloads_name(tmp_path: Path) -> None:
    for stem, name in (("lecture", "lecture-data"), ("10x3", "10x3-data"), ("my data (2)", "my-data-2")):
        (tmp_path / f"{stem}.csv").write_text(GOOD)
        assert catalog.from_file(tmp_path / f"{stem}.csv", "sick").name == name


@pytest.mark.parametrize(
    ("name", "content", "target", "message"),
    [
        ("a.csv", GOOD, None, "a.csv: no column 'y' to use as the label .*it has height, weight, sick"),
        ("a.csv", GOOD, "ill", "a.csv: no column 'ill'"),
        ("a.csv", GOOD.replace("1.5", "tall"), "sick", "a.csv: height holds no numbers"),
        (
            "a.csv",
            GOOD.replace("50,0", "50,2"),
            "sick",
            "a.csv: y holds the labels 2; every label must be 0 or 1",
        ),
        ("a.csv", GOOD.replace("50,0", "50,no"), "sick", "y holds '1', 'no'; expected 0 or 1"),
        ("a.csv", GOOD.replace("1.8", ""), "sick", r"a.csv: X\[1, 0\] is nan"),
        ("a.csv", GOOD.replace("1.8", "inf"), "sick", r"a.csv: X\[1, 0\] is inf"),
        ("a.csv", "height,weight,sick\n", "sick", "a.csv: it has no examples"),
        ("a.csv", "sick\n1\n0\n", "sick", r"a.csv: X has shape \(2, 0\): no features"),
        ("a.csv", "height,sick,sick\n1,0,1\n", "sick", "a.csv: two columns are named 'sick'"),
        ("a.csv", "", "sick", "a.csv: cannot be read as .csv: EmptyDataError: No columns"),
        ("a.parquet", "PAR", "sick", "a.parquet: cannot be read as .parquet"),
        ("a.npz", "PK", None, "a.npz: it is not an .npz archive"),
        ("a.npz", "", None, "a.npz: it is not an .npz archive"),
        ("a.svm", "1 one:2\n", None, "a.svm: cannot be read as .svm"),
        ("a.svm", "-1 1:2\n1 1:3\n", None, "a.svm: y holds the labels -1"),
        ("a.txt", GOOD, None, "a.txt: expected a file named .npz, .csv, .parquet, .svm, .libsvm"),
    ],
)
def test_invalid_files(tmp_path: Path, name: str, content: str, target: str | None, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        catalog.from_file(tmp_path / name, target)
    assert "\n" not in str(caught.value)


def test_a_sparse_file_that_would_be_huge_is_not_made_dense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.svm").write_text("0 1:1\n1 9000000:1\n")
    monkeypatch.setattr(datasets, "available_bytes", lambda: 2 * 8 * 9_000_000 - 1)
    made: list[object] = []
    monkeypatch.setattr("scipy.sparse.csr_matrix.toarray", made.append)
    with pytest.raises(
        ValueError, match=r"^a\.svm: X would be 2 × 9,000,000, 0\.1 GiB when dense; 0\.1 GiB is free$"
    ):
        catalog.from_file(tmp_path / "a.svm", None)
    assert made == []


def test_a_path_that_no_file_can_have_is_an_error_of_one_line(tmp_path: Path) -> None:
    for name in ("x" * 5000, "a\x00"):
        with pytest.raises(ValueError, match=r"File name too long|there is no such file") as caught:
            catalog.from_file(tmp_path / f"{name}.csv", None)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.eye(2)}, "holds X; expected arrays X and y, y is missing"),
        ({"X": np.eye(2, dtype=int), "y": np.ones(2)}, "X holds int64; expected float32 or float64"),
        ({"X": np.eye(2) * 1j, "y": np.ones(2)}, "X holds complex128"),
        ({"X": np.eye(2), "y": np.ones(3)}, r"y has shape \(3,\); expected \(2,\)"),
        ({"X": np.float64(3), "y": np.ones(3)}, r"X has shape \(\); expected \(m, n\)"),
    ],
)
def test_invalid_arrays(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        catalog.from_file(tmp_path / "a.npz", None)


class Executed:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("the file's content was executed",)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    objects = np.array([Executed()], dtype=object)
    np.savez(tmp_path / "a.npz", X=objects, y=np.ones(1))
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Executed()))
    for name, message in (("a.npz", "cannot be read as .npz"), ("b.npz", "it is not an .npz archive")):
        with pytest.raises(ValueError, match=message):
            catalog.from_file(tmp_path / name, None)


def test_a_missing_file_and_a_target_without_a_file() -> None:
    with pytest.raises(ValueError, match=r"nowhere\.csv: there is no such file"):
        selection.choose_workloads(None, Path("nowhere.csv"))
    with pytest.raises(ValueError, match="there is no --data"):
        selection.choose_workloads(None, None, "sick")


def test_reading_needs_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(DatasetUnavailable, match=r"reading \.csv needs pandas: install the data extra"):
        catalog.from_file(tmp_path / "a.csv", "sick")
