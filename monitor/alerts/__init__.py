"""The life of an alert: what opens, tells, silences and ends it."""
