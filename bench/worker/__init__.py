"""One kernel in its own process. `timing.py` has the loop that measures."""
