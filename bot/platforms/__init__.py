"""The chats people are in, one platform a file, found by discovery."""
