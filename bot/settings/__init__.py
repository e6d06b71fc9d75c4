"""Settings are read once, from nightdesk.toml or from one agent's environment, and are right or refused as a whole."""

from bot.settings.budgets import Budget, budget, budget_of_one
from bot.settings.checks import Problem
from bot.settings.masked import masked
from bot.settings.read import console_user, load
from bot.settings.tables import explain
from bot.settings.values import DigestPlan, Further, Settings, SettingsError, Slack, Spec, Telegram, Watched

__all__ = [
    "Budget",
    "DigestPlan",
    "Further",
    "Problem",
    "Settings",
    "SettingsError",
    "Slack",
    "Spec",
    "Telegram",
    "Watched",
    "budget",
    "budget_of_one",
    "console_user",
    "explain",
    "load",
    "masked",
]
