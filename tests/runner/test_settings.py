"""What the profiles contain, what overrides them, and how long they take."""

from __future__ import annotations

import importlib.util

import pytest

from bench.host import resources
from bench.runner.session import Session
from bench.runner.settings import PlannedLaunch, Settings, planned_launches, skip_reason
from bench.workloads import catalog
from kernels import names, registry
from tests.support.options import session_for

HOUR = 3600.0


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of cores, the memory and the cache that the profiles were made for."""
    monkeypatch.setattr(resources, "usable_cores", lambda: 2)
    monkeypatch.setattr(resources, "last_level_cache_bytes", lambda: 32 * 2**20)
    for module in (resources, catalog):
        monkeypatch.setattr(module, "available_bytes", lambda: 20 * 2**30)


@pytest.fixture(autouse=True)
def torch_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that torch is installed; it is not imported."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


def planned(session: Session) -> Session:
    """The session, with every kernel planned on every workload."""
    session.choose((workload, kernel) for workload in session.workloads for kernel in session.candidates)
    return session


def test_the_default_profile() -> None:
    session = session_for()
    assert session.settings == Settings(ceilings=True)
    assert tuple(session.workloads) == catalog.DEFAULT
    assert set(session.candidates) == set(names()) - set(registry.ON_REQUEST)
    assert not any(candidate.requested for candidate in session.candidates.values())


def test_the_grid_has_the_same_sizes_in_bytes_on_every_machine() -> None:
    session = session_for(profile="full")
    cells = {(w.bytes_of_x, w.n, str(w.dtype), w.order) for w in session.workloads.values()}
    assert cells == {
        (size, n, dtype, order)
        for size in (2**14, 2**19, 2**23, 2**28)
        for n in (2, 8, 32, 128, 1024)
        for dtype in ("float32", "float64")
        for order in ("C", "F")
    }
    assert len(session.workloads) == len(cells) == 80


def test_only_32_features_race_on_one_thread_too() -> None:
    session = session_for(profile="full")
    for name, workload in session.workloads.items():
        assert session.settings.threads_of(name) == ((1, 2) if workload.n == 32 else (2,))


def test_peers_is_a_part_of_the_grid_with_torch() -> None:
    session = session_for(profile="peers")
    assert set(session.workloads) <= set(session_for(profile="full").workloads)
    assert {w.n for w in session.workloads.values()} == {2, 32, 1024}
    assert {"torch", "torch-compile", "onedal", "sklearn", "numba"} <= set(session.candidates)
    assert len(session.workloads) == 12


def test_learn_goes_from_the_gradient_to_descents_and_fits() -> None:
    session = session_for(profile="learn")
    assert {workload.operation for workload in session.workloads.values()} == {"gradient", "descend", "fit"}
    assert set(session.candidates) <= {*names("descend"), *names("fit")} - set(registry.ON_REQUEST)
    assert {"numba-compiled", "numba-newton", "sklearn-newton-cholesky"} <= set(session.candidates)


def test_network_is_layers_of_4_to_512_units_beside_pytorch() -> None:
    session = session_for(profile="network")
    assert {workload.operation for workload in session.workloads.values()} == {"network"}
    assert {name.split("-")[-2] for name in session.workloads} == {"1x4", "2x8", "2x64", "2x512"}
    assert set(session.candidates) == {name for name in names("network") if not name.endswith("-gpu")}
    slow = {
        name for name, workload in session.workloads.items() if skip_reason(session.candidates["loops"], workload)
    }
    assert slow == set(session.workloads) - {"network:lecture-1x4-relu"}


@pytest.mark.parametrize(
    ("profile", "shortest", "longest"),
    [
        ("quick", 10, 60),
        ("learn", 600, HOUR / 2),
        ("default", 150, 400),
        ("peers", 900, HOUR / 2),
        ("network", 600, HOUR / 3),
        ("full", HOUR, 2 * HOUR),
    ],
)
def test_the_duration_of_a_profile_on_two_cores(profile: str, shortest: float, longest: float) -> None:
    assert shortest < planned(session_for(profile=profile)).estimated_seconds() < longest


def test_the_command_line_overrides_the_profile() -> None:
    session = session_for(
        "--profile", "full", profile="full", workloads="lecture,128x32-f32", kernels="numpy", launches="2"
    )
    assert list(session.workloads) == ["lecture", "128x32-f32"]
    assert [(candidate.name, candidate.requested) for candidate in session.candidates.values()] == [("numpy", True)]
    assert (session.settings.launches, session.settings.seconds) == (2, 0.5)
    assert session.settings.threads_of("128x32-f32") == (1, 2)
    assert session.settings.profile == "full"
    for listed, counts in (("1", (1,)), ("all", (2,))):
        other = session_for(profile="full", threads=listed)
        assert {other.settings.threads_of(name) for name in other.workloads} == {counts}


def test_only_an_explicit_benchmark_max_time_overrides_the_profile() -> None:
    assert session_for("--profile=full", profile="full").settings.seconds == 0.5
    written = session_for("--benchmark-max-time=1.0", profile="full", benchmark_max_time=1.0)
    assert (written.settings.seconds, written.settings.launches) == (1.0, 5)


def test_a_missing_library_is_an_error_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(pytest.UsageError, match=r"^torch is not installed: pip install .* '\.\[peers\]'$"):
        session_for(profile="peers")
    assert list(session_for(profile="peers", kernels="numpy").candidates) == ["numpy"]


def test_an_unknown_profile() -> None:
    with pytest.raises(pytest.UsageError, match="no profile is called 'ful'; the nearest: full"):
        session_for(profile="ful")


def test_a_launch_has_the_workloads_that_race_on_its_number_of_threads() -> None:
    settings = Settings(launches=2, threads_on={"20x3-f64": (1, 2)})
    assert planned_launches([catalog.named("lecture"), catalog.named("20x3")], settings) == [
        PlannedLaunch(("lecture", "20x3-f64"), 2, 0),
        PlannedLaunch(("lecture", "20x3-f64"), 2, 1),
        PlannedLaunch(("20x3-f64",), 1, 0),
        PlannedLaunch(("20x3-f64",), 1, 1),
    ]


def test_a_launch_has_workloads_of_one_operation() -> None:
    """Its workers keep the kernel that they loaded, which is one of one operation."""
    names = ("lecture", "descend:lecture", "20x3-f64", "descend:20x3-f64@steps=5")
    settings = Settings(launches=2, threads_on={"descend:lecture": (1,)})
    assert planned_launches([catalog.named(name) for name in names], settings) == [
        PlannedLaunch(("lecture", "20x3-f64"), 2, 0),
        PlannedLaunch(("lecture", "20x3-f64"), 2, 1),
        PlannedLaunch(("descend:20x3-f64@steps=5",), 2, 0),
        PlannedLaunch(("descend:20x3-f64@steps=5",), 2, 1),
        PlannedLaunch(("descend:lecture",), 1, 0),
        PlannedLaunch(("descend:lecture",), 1, 1),
    ]


def test_a_batch_fits_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    session = planned(session_for(profile="full"))
    batches = session._input_cache.batches(session.workloads.values())
    assert [name for batch in batches for name in batch] == list(session.workloads)
    assert 1 < len(batches) < 6
    monkeypatch.setattr(resources, "available_bytes", lambda: 2**50)
    assert len(planned(session_for(profile="full"))._launches()) == 2 * 5
