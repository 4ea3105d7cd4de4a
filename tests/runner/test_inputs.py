"""The arrays and the check cases of a workload: shared once, and judged as the operation does."""

from __future__ import annotations

import numpy as np
import pytest

from bench.host import resources
from bench.runner.inputs import InputCache, WorkloadInputs, held_bytes
from bench.workloads import catalog
from bench.workloads.parameters import UNSEEN_DRAW
from kernels.nests import map_arrays
from tests.support.problems import TINY, available, inputs

DESCENT = "descend:50x3@steps=2"


@pytest.mark.parametrize("name", [TINY, DESCENT])
def test_every_field_of_every_probe_is_shared_once(name: str) -> None:
    made, definition = inputs(name), inputs(name).workload.definition
    probes = definition.probes(made.inputs)
    assert [case.check for case in made.probes] == [probe.name for probe in probes]
    for case, probe in zip(made.probes, probes, strict=True):
        assert set(case.fields) == set(definition.fields)
        for field, array in probe.inputs.placed.items():
            if (case.check, field) != ("drawn-labels", "y"):  # drawn anew
                np.testing.assert_array_equal(made.arrays[case.fields[field]], array)
    used = [case.fields[field] for case in made.probes for field in definition.fields]
    assert set(made.arrays) == {*definition.fields, *used}
    # the probes share one matrix, but for the one that is on the workload's own
    assert len({case.fields["X"] for case in made.probes if case.check != "drawn-labels"}) == 1
    assert {case.fields["X"] for case in made.probes if case.check == "drawn-labels"} <= {"X"}
    assert len({case.fields["y"] for case in made.probes}) == len(made.probes)
    assert not {case.fields["y"] for case in made.probes} & set(definition.fields)


def test_a_case_sends_names_of_arrays_and_fresh_arguments() -> None:
    made = inputs(DESCENT)
    assert made.data.request().arguments["fields"] == {}
    for case in (made.data, *made.probes):
        request = case.request()
        assert (request.name, request.descriptor) == ("check", None)
        assert request.arguments["fields"] == case.fields
        sent = request.arguments["fresh"]
        assert [type(array) for array in sent] == [np.ndarray] * len(case.fresh)
        for array, number in zip(sent, case.fresh, strict=True):
            np.testing.assert_array_equal(array, number)


@pytest.mark.parametrize("name", [TINY, DESCENT])
def test_a_timed_call_is_judged_with_the_arguments_of_that_call_and_seed(name: str) -> None:
    made = WorkloadInputs(catalog.named(name))
    kernel = available("numpy", made.workload.operation)
    call, fields = (
        kernel.built(made.workload.static),
        [made.arrays[field] for field in made.workload.definition.fields],
    )
    seen = set()
    try:
        for seed in (8, 9):
            case = made.timed(100, seed, 3)
            assert made.timed(100, seed, 3) is case  # one reference for all kernels
            result = [np.asarray(part) for part in call(*fields, *map_arrays(np.asarray, case.fresh))]
            assert not case.judge(result).failure
            assert made.timed(100, seed, 2).judge(result).failure
            seen.add(b"".join(np.asarray(part).tobytes() for part in case.fresh))
    finally:
        made.close()
    assert len(seen) == 2


def test_the_data_and_unseen_cases_are_numbered_draws() -> None:
    made = inputs(TINY)
    unseen = catalog.fresh(made.workload, made.inputs, UNSEEN_DRAW)
    for part, expected in zip(made.unseen.fresh, unseen, strict=True):
        np.testing.assert_array_equal(part, expected)
    assert made.data.fresh[1] != made.unseen.fresh[1]


def test_a_kernel_gets_the_static_description_and_a_ceiling_does_not() -> None:
    made = inputs(DESCENT)
    assert made.place_request().arguments["static"] == made.inputs.static == 2
    assert made.place_request(is_kernel=False).arguments["static"] is None
    assert (made.details["steps"], made.details["L"]) == (2, pytest.approx(1 / made.details["learning_rate"]))
    assert inputs(TINY).details == {}


def test_workloads_with_the_same_data_have_inputs_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "available_bytes", lambda: 2**30)
    gradient, descent = catalog.named(TINY), catalog.named(DESCENT)
    assert held_bytes(gradient) == held_bytes(descent)
    cache = InputCache()
    try:
        one, other = cache.inputs_of(gradient), cache.inputs_of(descent)
        assert cache.inputs_of(gradient) is one
        assert one.digest == other.digest
        assert (set(one.inputs.placed), set(other.inputs.placed)) == ({"X", "y"}, {"X", "y", "alpha"})
    finally:
        cache.close()


def test_what_is_held_is_all_that_is_shared() -> None:
    """But for α, a scalar. No workload of any operation holds more vectors than a gradient of float64."""
    for name in ("1000x7", "1000x7-f32", DESCENT):
        made = inputs(name)
        shared = sum(array.nbytes for array in made.arrays.values() if array.ndim)
        assert shared <= held_bytes(made.workload)
        assert (shared == held_bytes(made.workload)) == (name == "1000x7"), name
