"""`python -m bench selftest`: can the numbers be trusted on this machine?"""
