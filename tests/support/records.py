"""Records written by hand, and results with them: no clock, nothing measured."""

from __future__ import annotations

from bench.results.describe import describe_operation
from bench.results.record import Cold, Error, Fraction, Ratio, Record, Results, Seconds
from kernels import load_operation

OPERATIONS = {"gradient": describe_operation(load_operation("gradient"))}
OK = Record(
    id="gradient/lecture/numpy", operation="gradient", kernel="numpy", backend="numpy", device="cpu",
    workload="lecture", m=1000, n=2, dtype="float64", order="C", threads=2, outcome="ok", passes=2,
    error=Error(0.004, {"ulps": 4.2}), rounds=170, iterations=250,
    cold=Cold(import_seconds=0.1, placement_seconds=1e-6, lower_seconds=2e-5, compile_seconds=4e-5),
    seconds=Seconds(20e-6, 19e-6, 21e-6), speedup=Ratio(26.0, 25.0, 27.0, "loops"),
    over_numpy=Ratio(1.0, 1.0, 1.0, "numpy"), bytes_per_call=24_032, gigabytes_per_second=1.2,
    ceiling=Fraction("read", 0.237, 0.21, 0.25), work={"read": 24_000, "sigmoid": 1000, "multiply": 8000},
)  # fmt: skip
WRONG = Record(
    id="gradient/lecture/mine:f", operation="gradient", kernel="mine:f", backend="numpy", device="cpu",
    workload="lecture", m=1000, n=2, dtype="float64", order="C", threads=2, outcome="wrong",
    reason="data: db is nan",
)  # fmt: skip
MACHINE = {
    "id": "some-cpu-2c-01234567",
    "hardware": {"cpu": "Some CPU", "cores": 2, "memory_gib": 8},
    "software": {"python": "CPython 3.11.7", "environment": {"OMP_NUM_THREADS": "2"}},
}
RESULTS = Results(
    {"began": "2026-01-02T03:04:05+00:00", "statistic": "lower decile"},
    MACHINE,
    ({"workload": "lecture", "operation": "gradient", "threads": 2},),
    (OK, WRONG),
    OPERATIONS,
)
