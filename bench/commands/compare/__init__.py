"""`python -m bench compare`: two runs or more side by side."""
