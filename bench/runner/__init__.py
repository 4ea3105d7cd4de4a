"""One run: which kernels, how long, launch after launch."""
