"""The desk's own HTTP face: whether it lives, is ready and well, and its figures; it shows, and takes no orders."""

from bot.web.server import Face, Health, serving

__all__ = ["Face", "Health", "serving"]
