"""paictl's stand-in."""
