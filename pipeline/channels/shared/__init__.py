"""Code shared by several channel types."""
