"""`python -m bench selftest`: can this machine's numbers be trusted?"""
