"""Peers: the same gradient from general-purpose libraries, as their users get it."""
