"""Stand-ins for what cannot be reached from here: they speak real HTTP, and misbehave when told to.

For tests and demonstrations only; nothing in the product imports them.
"""
