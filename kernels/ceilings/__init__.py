"""The kernels that measure the machine's ceilings."""
