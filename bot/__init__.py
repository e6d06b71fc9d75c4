"""People: chat, commands, delivery and composition, over what monitor knows."""
