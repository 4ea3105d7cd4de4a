"""The machine's fingerprint: what the system reports, and nothing personal."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest
import threadpoolctl

from bench.host import checkout, machine, resources
from bench.report.machine import HANDICAPS
from bench.worker import environment


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """path → text of the files of a simulated system."""
    files: dict[str, str] = {}
    monkeypatch.setattr(resources, "read_file", lambda path: files.get(str(path)))
    return files


def test_the_fingerprint_is_json_and_names_nobody() -> None:
    text = json.dumps(machine.fingerprint())
    fingerprint: dict[str, Any] = json.loads(text)
    assert fingerprint["hardware"]["cores"] >= 1
    assert fingerprint["software"]["libraries"]["numpy"]
    words = set(re.findall(r"[\w.-]+", text))
    assert not {platform.node(), getuser()} & words - {"root"}
    assert str(Path.home()) + "/" not in text
    assert re.fullmatch(r"[a-z0-9-]+-\d+c-[0-9a-f]{8}", fingerprint["id"])


def test_the_cgroup_version_2_quota_is_the_smallest_of_the_parents(
    system: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "affinity", lambda: 8)
    system["/proc/self/cgroup"] = "0::/a/b"
    assert (resources.cpu_quota(), resources.usable_cores()) == (None, 8)
    system["/sys/fs/cgroup/a/b/cpu.max"] = "max 100000"
    system["/sys/fs/cgroup/a/cpu.max"] = "350000 100000"
    system["/sys/fs/cgroup/cpu.max"] = "600000 100000"
    assert (resources.cpu_quota(), resources.usable_cores()) == (3.5, 3)
    system["/sys/fs/cgroup/a/b/cpu.max"] = "50000 100000"
    assert (resources.cpu_quota(), resources.usable_cores()) == (0.5, 1)


def test_the_cgroup_version_1_quota(system: dict[str, str]) -> None:
    system["/proc/self/cgroup"] = "4:cpu,cpuacct:/x\n1:name=systemd:/x"
    system["/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us"] = "200000"
    system["/sys/fs/cgroup/cpu/x/cpu.cfs_period_us"] = "100000"
    assert resources.cpu_quota() == 2
    system["/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us"] = "-1"
    assert resources.cpu_quota() is None


def test_the_available_memory_is_at_most_what_the_cgroup_still_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "Path", lambda _folder: tmp_path)
    unlimited = resources.available_bytes()
    (tmp_path / "memory.current").write_text("1048576\n")
    (tmp_path / "memory.max").write_text("3145728\n")
    assert resources.available_bytes() == 2**21 < unlimited
    (tmp_path / "memory.max").write_text("max\n")
    assert resources.available_bytes() > 2**21


def test_usable_cores_follow_the_affinity() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert resources.usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    ("cpu", "gpus", "begins"),
    [
        ("AMD EPYC 9554 64-Core Processor", [], "amd-epyc-9554-64-8c-"),
        ("Intel(R) Xeon(R) Platinum 8480+ CPU @ 2.00GHz", [], "intel-xeon-platinum-8480-8c-"),
        (
            "Apple M3 Max",
            [{"name": "NVIDIA H100 80GB HBM3", "memory": "1 MiB"}],
            "apple-m3-max-nvidia-h100-8c-",
        ),
        ("", [], "unknown-8c-"),
    ],
)
def test_short_id(cpu: str, gpus: list[dict[str, str]], begins: str) -> None:
    hardware = {"cpu": cpu, "cores": 8, "gpus": gpus, "memory_gib": 64}
    short_id = machine.short_id(hardware)
    assert re.fullmatch(re.escape(begins) + "[0-9a-f]{8}", short_id)
    assert machine.short_id(dict(reversed(hardware.items()))) == short_id
    assert machine.short_id({**hardware, "memory_gib": 128}) != short_id


def test_environment_variables_lose_their_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/home/ada/dump --xla_cpu_use_thunk_runtime=true")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "~/cache")
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "adas-laptop:1234")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    recorded = machine._environment()
    assert recorded["XLA_FLAGS"] == "--xla_dump_to=(path) --xla_cpu_use_thunk_runtime=true"
    assert recorded["OMP_NUM_THREADS"] == "2"
    assert not {"NUMBA_CACHE_DIR", "JAX_COORDINATOR_ADDRESS"} & set(recorded)


def test_every_variable_that_a_report_warns_of_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {name for handicap in HANDICAPS for name in handicap.variables}
    for name in variables:
        monkeypatch.setenv(name, "1")
    assert variables <= machine._environment().keys()


def library(path: str, api: str = "blas", architecture: str = "SkylakeX") -> dict[str, Any]:
    """What threadpoolctl says of a library."""
    about = {"user_api": api, "filepath": path, "internal_api": "openblas", "version": "0.3.31", "num_threads": 2}
    return about | {"architecture": architecture}


PACKAGES = "/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("loaded", "built_for"),
    [
        (
            [
                library(f"{PACKAGES}/scipy.libs/libscipy_openblas.so", architecture="Zen"),
                library(f"{PACKAGES}/numpy.libs/libscipy_openblas64_.so"),
            ],
            "SkylakeX",
        ),
        (
            [
                library(f"{PACKAGES}/scipy.libs/libscipy_openblas.so", architecture="Zen"),
                library("/usr/lib/libopenblas.so.0", architecture="Haswell"),
            ],
            "Haswell",
        ),
        ([library("/usr/lib/libgomp.so.1", "openmp")], None),
        ([library(f"{PACKAGES}/scipy.libs/libscipy_openblas.so")], None),
    ],
)
def test_blas_is_numpys_own_or_the_systems(
    loaded: list[dict[str, Any]], built_for: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: loaded)
    blas = machine._blas()
    assert (blas and blas["built_for"]) == built_for


def test_the_code_that_blas_runs_is_that_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENBLAS_CORETYPE is obeyed by this process's children as by a worker, whose variables are these."""
    ask = "from bench.host import machine; import json; print(json.dumps(machine._blas()))"
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    for threads in (None, 1):
        variables = dict(os.environ) if threads is None else environment.of_worker(threads, None)
        said = subprocess.run(
            [sys.executable, "-c", ask],
            env=variables,
            cwd=checkout.CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        )
        blas = json.loads(said.stdout)
        if blas["name"] != "openblas" or platform.machine() not in ("x86_64", "AMD64"):
            pytest.skip("NumPy's BLAS here is no OpenBLAS for x86")
        assert blas["built_for"] == "Nehalem"
        assert threads is None or blas["threads"] == threads


def test_gpus_are_those_that_nvidia_smi_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = machine._gpus.__wrapped__
    monkeypatch.setattr(machine, "_output", lambda *_: "NVIDIA H100 80GB HBM3, 580.1, 81559 MiB\nnoise")
    assert gpus() == [{"name": "NVIDIA H100 80GB HBM3", "driver_version": "580.1", "memory.total": "81559 MiB"}]
    monkeypatch.setattr(machine, "_output", lambda *_: None)
    assert gpus() == []


def test_a_missing_or_failing_command_has_no_output() -> None:
    assert machine._output("no-such-command-anywhere") is None
    assert machine._output("false") is None


def test_the_source_digest_covers_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--resume compares it: it changes with any file below bench/ or kernels/, and with a kernel's own file."""
    monkeypatch.setattr(checkout, "CHECKOUT", tmp_path)
    user_file = tmp_path / "mine.py"
    files = [
        user_file,
        *(tmp_path / name for name in ("bench/a.py", "bench/deep/er/b.py", "kernels/c.py", "kernels/_d/e.py")),
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1")
    specs = [f"{user_file}:gradient", "numpy"]
    before = checkout.source_digest(specs)
    assert checkout.source_digest(specs) == before
    for file in files:
        file.write_text("2")
        assert checkout.source_digest(specs) != before
        file.write_text("1")
    assert checkout.source_digest(specs) == before
