"""Layer by layer: a mistake of a few roundings in any one part of the result is found where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kernels.contract import Inputs, Probe
from kernels.network.net import ACTIVATIONS, Net
from kernels.network.numpy_layers import build
from kernels.network.probes import probes
from kernels.network.rank_one import OneExample
from tests.support.networks import drawn

NETS = [Net(activation, layers, 8) for activation in ACTIVATIONS for layers in (1, 2, 4)]


def probed(net: Net, m: int = 40, n: int = 5, dtype: Any = np.float64) -> tuple[Probe, Probe]:
    one = drawn(net, m, n, dtype)
    first, second = probes(Inputs({"X": one.X, "y": one.y}, tuple(net)))
    return first, second


def result_of(probe: Probe) -> list[np.ndarray]:
    X, y = probe.inputs.placed.values()
    if probe.change:
        X = X.copy()
        X[probe.change.row] = probe.change.values
    return [np.asarray(part) for part in build(Net(*probe.inputs.static))(X, y, *probe.fresh)]


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 1), (40, 5), (3, 17)])
def test_all_but_one_example_are_saturated_and_a_right_result_passes(net: Net, dtype: Any, m: int, n: int) -> None:
    for probe in probed(net, m, n, dtype):
        assert probe.inputs.placed["X"].shape == (m, n)
        judgement = probe.judge(result_of(probe))
        assert not judgement.failure
        assert (judgement.bound_fraction or 0) < 0.6


def test_the_row_that_is_overwritten_decides() -> None:
    first, second = probed(Net("relu", 2, 8))
    assert "error" in second.judge(result_of(first)).failure
    assert "error" in first.judge(result_of(second)).failure


@pytest.mark.parametrize("net", NETS)
def test_an_error_in_any_part_is_found(net: Net) -> None:
    """Of 10⁻⁹: of the cost, whose score has terms that are 10⁵ times as large; a bound through all layers of σ would
    allow more of the others too.
    """
    probe, _ = probed(net)
    right = result_of(probe)
    for number, part in enumerate(right):
        wrong = list(right)
        largest = np.unravel_index(np.argmax(np.abs(part)), part.shape)
        wrong[number] = part.copy()
        wrong[number][largest] *= 1 + 1e-9
        assert "times what is allowed" in probe.judge(wrong).failure, number


def test_a_layer_without_a_gradient_and_numbers_that_are_not_finite_are_named() -> None:
    probe, _ = probed(Net("relu", 2, 8))
    right = result_of(probe)
    dead = [*right[:2], np.zeros_like(right[2]), *right[3:]]
    assert "db1 is 0, so the layer has no gradient" in probe.judge(dead).failure
    broken = [*right[:-1], np.array(np.nan)]
    assert probe.judge(broken).failure == "db is nan"
    assert "shapes" in probe.judge(right[::-1]).failure
    assert "db is 0, so the example has no gradient" in probe.judge([*right[:-1], np.zeros(())]).failure


def test_the_label_decides_the_sign() -> None:
    probe, _ = probed(Net("relu", 2, 8))
    judged: OneExample = probe.judge.__self__  # type: ignore[attr-defined]
    other = replace(judged, y=1 - judged.y)
    assert "m db" in other.judge(result_of(probe)).failure or "m J" in other.judge(result_of(probe)).failure
