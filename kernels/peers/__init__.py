"""What people use instead: the same gradient out of libraries that were not written for this suite."""
