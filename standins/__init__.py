"""Stand-ins for external services. They speak real HTTP, and can be made to misbehave.

They are for tests and demonstrations only; nothing in the product imports them.
"""
