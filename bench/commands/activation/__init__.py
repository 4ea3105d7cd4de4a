"""`python -m bench activation`: do units max(z, 0) reach a target cost sooner than sigmoids, and why?"""
