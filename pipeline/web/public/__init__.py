"""Routes open to anyone."""
