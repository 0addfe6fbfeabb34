"""The ledger: what was accepted, what is owed and what was done, in SQL. The only package that knows SQLAlchemy.

Work is rows. A row that is due has a time in a column; a row that is being worked on has a lease, which is a token and
the time when it ends. Nothing is ever marked "taken" for good, so a process that is killed gives its work back by doing
nothing. Every function takes an open transaction first and the time as an argument; none starts or ends a transaction.

    database    SQLite or PostgreSQL, transactions   events      what was accepted, and the answer
    tables      the schema                           articles    where each article stands
    migrations  the schema's history                 revisions   what each revision held and showed
    claims      due rows, a few at a time            evidence    references, and which articles cite them
    leases      one holder at a time, for a while    renditions  what was rendered, and its digests
    due         what the sweep finds                 deliveries  what each channel is owed
    tokens      who may call                         attempts    every try at a delivery
    channels    whether each answers                 feeds       which are stale, and what was built
    feed_pages  what stands in a feed's pages        feed_places where an article stands, and when it moves
    changes     in the order of commits              pulls       what was handed out to partners who ask
    subscriptions, subscription_requests             of the hub
"""

from pipeline.ledger.database import Ledger, Transaction

__all__ = ["Ledger", "Transaction"]
