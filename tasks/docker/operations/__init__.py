"""What changes Docker on a host."""
