"""Measurements, one command each; docs/performance.md has what they gave."""
