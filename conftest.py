"""Registers the pytest plugin of the benchmarks. The project's tests are in tests/."""

pytest_plugins = ["bench.plugin.options", "bench.plugin.plugin", "bench.plugin.assertions"]
