"""The exit codes of `python -m bench`, the same for every command."""

OK = 0
"""The command did its work and found nothing wrong."""
FAILED = 1
"""The command did its work and found something wrong: with a kernel, a file, or this machine's figures."""
USAGE = 2
"""The command could not do its work. A line on standard error says why."""
INTERRUPTED = 130
"""Ctrl-C. Shells use 128 plus the number of the signal."""
