"""What partners can ask for: a channel's changes, and a feed of what it holds."""
