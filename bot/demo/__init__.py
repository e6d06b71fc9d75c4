"""Five living agents to watch without an exchange or a chat account."""
