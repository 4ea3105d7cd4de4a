"""`python -m bench variance`: where does the spread of a kernel's time come from?"""
