"""Endpoints for operators and their probes."""
