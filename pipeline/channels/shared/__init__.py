"""What several channel types share; no type stands here."""
