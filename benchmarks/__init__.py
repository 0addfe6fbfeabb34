"""What Citewire costs, measured beside a floor in the same run, so that ratios hold on any machine. See README.md."""
