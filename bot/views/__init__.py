"""Values of the desk become messages; what came from an agent or a person is made one harmless line on the way."""

from bot.views.alerts import card, recovery, said, standing

__all__ = ["card", "recovery", "said", "standing"]
