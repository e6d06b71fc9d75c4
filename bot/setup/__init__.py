"""From nothing to an acknowledged test page: what `nightdesk init` asks, finds and writes."""
