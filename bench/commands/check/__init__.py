"""`python -m bench check`: is a kernel correct, or can a results file be shared?"""
