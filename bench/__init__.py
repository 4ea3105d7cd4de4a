"""How kernels are checked and timed.

The timed loop is worker/timing.py:time_calls. runner/sweeps.py orders the rounds; plugin/ is `pytest --benchmark`;
report/ makes the tables.
"""
