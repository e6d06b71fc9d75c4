"""Machines: what is true of agents and alerts. Never imports bot."""
