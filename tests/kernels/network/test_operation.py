"""The network as an operation: names, options, work, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bench.runner.selection import option_text
from bench.workloads import catalog
from kernels.contract import Size
from kernels.network.net import Net
from kernels.network.operation import NETWORK, work

OPTIONS = {"layers": 2, "width": 64, "activation": 0.0}


@pytest.mark.parametrize(
    ("name", "canonical", "net"),
    [
        ("network:flights-2x64-relu", "network:flights-2x64-relu", ("relu", 2, 64)),
        ("network:lecture", "network:lecture-2x64-relu", ("relu", 2, 64)),
        ("network:10000x32-f32-F-4x8-sigmoid", "network:10000x32-f32-F-4x8-sigmoid", ("sigmoid", 4, 8)),
        ("network:1000x2-0x1-relu", "network:1000x2-f64-0x1-relu", ("relu", 0, 1)),
        ("network:lecture@width=8", "network:lecture-2x8-relu", ("relu", 2, 8)),
    ],
)
def test_a_name_has_the_shape_of_the_network(name: str, canonical: str, net: tuple[str, int, int]) -> None:
    workload = catalog.named(name)
    assert (workload.name, tuple(workload.static)) == (canonical, net)
    assert catalog.named(workload.name).name == canonical


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("network:lecture-2x64-tanh", "activation is 'tanh'; expected relu or sigmoid"),
        ("network:lecture-9x64-relu", "layers is 9; expected a whole number, 0 to 4"),
        ("network:lecture-2x0-relu", "width is 0; expected 1 or more"),
        ("network:lecture@width=-1", "width is -1; expected a whole number, 1 or more"),
        ("network:nowhere-2x64-relu", "no workload is called"),
        ("network:lecture@depth=3", "network has no option 'depth'"),
    ],
)
def test_a_name_that_makes_no_sense_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        catalog.named(name)


def test_too_many_parameters_and_values_that_may_overflow_are_refused() -> None:
    X, y = np.ones((4, 3)), np.array([0.0, 1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="2 x 10000 units have 100,060,001 parameters; expected at most 2\\^26"):
        NETWORK.inputs(X, y, OPTIONS | {"width": 10_000})
    with pytest.raises(ValueError, match="a layer may overflow float32; scale the features"):
        NETWORK.inputs(np.float32(1e35) * X.astype(np.float32), y.astype(np.float32), OPTIONS | {"layers": 4})
    with pytest.raises(ValueError, match="nan"):
        NETWORK.inputs(np.full((4, 3), np.nan), y, OPTIONS)


def test_the_work_without_layers_is_that_of_a_gradient() -> None:
    size = Size(1000, 32, 8)
    assert work(size, ("relu", 0, 64)).ceilings == {"read": 264_000, "sigmoid": 1000, "multiply": 128_000}
    # 32·8 + 8·8 + 8 products forward, twice as many back, but none to X
    of_two = work(size, ("sigmoid", 2, 8)).ceilings
    assert of_two == {"read": 264_000, "sigmoid": 17_000} | {
        "multiply": 2000 * (3 * (256 + 64 + 8) - 256),
        "matmul": 2000 * (3 * (256 + 64) - 256),
    }
    assert Net("relu", 0, 64).products(32) == 64


def test_a_network_that_does_not_fit_into_memory_is_refused_before_it_runs() -> None:
    with pytest.raises(ValueError, match=r"^network:1000000x2-f64-4x20000-relu needs about [\d,]+ GiB; "):
        catalog.require_memory(catalog.named("network:1000000x2-4x20000-relu"), kernels=4)
    parameters = 3 * 64 + 65 * 64 + 65
    assert NETWORK.held_bytes(Size(1000, 2, 8), ("relu", 2, 64)) == 8 * (2 * 1000 * 64 * 2 + 2 * parameters)


def test_where_it_is_asked_for_an_option_has_the_names_of_its_choices() -> None:
    assert option_text(NETWORK.options["activation"]) == "What the hidden units are (default: relu)"
    assert option_text(NETWORK.options["width"]) == "Units in each layer (default: 64)"
