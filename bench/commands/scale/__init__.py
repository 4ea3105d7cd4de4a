"""`python -m bench scale`: what more examples and more units bring, and what they cost."""
