"""Registers the benchmarks' pytest glue; tests of the kernels and of the measuring are in tests/."""

pytest_plugins = ["bench.plugin.options", "bench.plugin.plugin", "bench.plugin.assertions"]
