"""How good the detectors are: false pages and power on streams of which the truth is known."""
