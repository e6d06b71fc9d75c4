"""What drives the desk: ticks, polls, and time that never runs backwards."""
