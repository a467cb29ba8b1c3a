"""What changes OpenPAI. pyinfra has no operations for it."""
