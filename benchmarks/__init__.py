"""Benchmarks that compare Citewire with a baseline in the same run, so that ratios hold on any machine (README.md)."""
