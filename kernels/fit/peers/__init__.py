"""Peers: the same fit by other libraries, as their users get it."""
