"""What operators and their probes read."""
