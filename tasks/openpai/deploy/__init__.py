"""The OpenPAI stage, and what comes after the first day."""
