"""Values of the desk become messages; what came from an agent or a person is made one harmless line on the way."""

from bot.views.alerts import standing
from bot.views.incidents import card, recovery, said

__all__ = ["card", "recovery", "said", "standing"]
