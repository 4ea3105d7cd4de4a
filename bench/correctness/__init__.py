"""Whether a kernel computes the right result. It is checked before any time is printed."""
