"""`python -m bench compare`: two or more runs side by side."""
