"""What partners are told who ask: changes, and feeds of what a channel holds."""
