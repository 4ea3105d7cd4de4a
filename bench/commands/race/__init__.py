"""`python -m bench race`: the kernels of the working tree against those of a commit."""
