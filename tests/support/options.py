"""A session from the options of a command line, without a run of pytest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bench.plugin.options import chosen_session
from bench.runner.session import Session


def session_for(*arguments: str, **options: Any) -> Session:
    """The session of a command line. arguments: as typed; options: as pytest parses them."""
    unset = dict.fromkeys(("kernels", "workloads", "data", "target", "threads", "launches", "benchmark_json"))
    values = {
        **unset, "profile": "default", "timeout": "120", "no_ceilings": False, "benchmark_max_time": 1.0,
        "benchmark_disable": False, "benchmark_skip": False, "collectonly": False, "operation": "gradient", **options,
    }  # fmt: skip
    config: Any = SimpleNamespace(
        getoption=lambda name, default=None: values.get(name, default),
        getini=lambda _name: ["-rs"],
        invocation_params=SimpleNamespace(args=arguments),
    )
    return chosen_session(config)
