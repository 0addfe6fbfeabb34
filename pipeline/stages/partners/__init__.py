"""What partners can fetch: a channel's changes, and a feed of its current articles."""
