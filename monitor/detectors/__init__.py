"""What looks odd in a series, one detector a file."""
