"""Servers of our own that refuse what the real ones refuse."""
