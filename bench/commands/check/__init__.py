"""`python -m bench check`: does a kernel agree, or can a results file be shared?"""
