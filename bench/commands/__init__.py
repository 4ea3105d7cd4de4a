"""One file or folder a command of `python -m bench`."""
