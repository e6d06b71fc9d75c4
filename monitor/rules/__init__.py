"""What is worth a page, one rule a file, found by discovery."""
