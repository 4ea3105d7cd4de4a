"""Does a kernel compute the right result? Asked before any time is printed."""
