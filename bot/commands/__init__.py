"""What may be asked in chat, one command a file, found by discovery."""
