"""The exit codes of `python -m bench`, whatever the command."""

OK = 0
"""It did what was asked, and nothing speaks against what it looked at."""
FAILED = 1
"""What it looked at is not as it should be: a kernel, a file, or this machine's numbers."""
USAGE = 2
"""It could not be done as it was asked for: a line on standard error says why."""
INTERRUPTED = 130
"""By Ctrl-C, as a shell says it: 128 and the number of the signal."""
