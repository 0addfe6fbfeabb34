"""What partners who pull are told, and what they have taken."""
