"""The ledger: what was accepted, what is owed and what was done, in SQL. The only package that knows SQLAlchemy.

Work is rows. A row that is due has a time in a column; a row that is being worked on has a lease, which is a token and
the time when it ends. Nothing is ever marked "taken" for good, so a process that is killed gives its work back by doing
nothing. Every function takes an open transaction first and the time as an argument; none starts or ends a transaction.

    database    SQLite or PostgreSQL, transactions   events      what was accepted, and the answer
    tables      the schema                           articles    where each article stands
    migrations  the schema's history                 revisions   what each revision held and showed
    claims      due rows, a few at a time            evidence    references, and which articles cite them
    leases      one holder at a time, for a while    renditions  what was rendered, and its digests
    tokens      who may call                         deliveries  what each channel is to be sent
    channels    whether each answers                 attempts    every attempt at a delivery
    feeds       which are stale, their pages, and where each article goes in them
    changes     in the order of commits              pulls       what was handed out to partners who ask
    subscriptions, subscription_requests             of the hub
"""

from pipeline.ledger.database import Ledger, Transaction

__all__ = ["Ledger", "Transaction"]
