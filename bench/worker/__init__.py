"""One kernel in a process of its own; `timing.py` has the loop that measures."""
