"""The ledger: what was accepted, what is owed and what was done, in SQL. The only package that knows SQLAlchemy.

Work is rows. A row that is due has a time in a column; a row that is being worked on has a lease, which is a token and
the time when it ends. Nothing is ever marked "taken" for good, so a process that is killed gives its work back by doing
nothing. Every function takes an open transaction first and the time as an argument; none starts or ends a transaction.

    tables      the schema                          articles    revisions and events
    database    SQLite or PostgreSQL, transactions  evidence    references, and which articles cite them
    due         what the sweep finds                renditions  what was rendered, and its digests
    leases      one holder at a time, for a while   deliveries  what each channel is owed, and every attempt
    tokens      who may call                        feeds       which feeds are stale, what was built
"""

from pipeline.ledger.database import Ledger, Transaction

__all__ = ["Ledger", "Transaction"]
