"""`python -m bot` is `nightdesk`."""

from bot.cli import main

if __name__ == "__main__":
    main()
