"""The ledger: what was accepted, what is outstanding and what was done, in SQL. The only package that knows SQLAlchemy.

Work is rows. A row that is due has a time in a column; a row that is being worked on has a lease, which is a token and
the time at which it ends. No row is ever marked as taken permanently, so the work of a killed process becomes available
again by itself. Every function takes an open transaction first and the time as an argument; none begins or ends a
transaction.

    database     SQLite or PostgreSQL, and transactions    articles/     events, revisions, renditions, what is withheld
    tables       the schema; migrations/ is its history    evidence/     references, and which articles cite them
    kept         statements built once, for both
    claims       due rows, a few at a time                 deliveries/   what each channel should have, has and had
    leases       work for one process at a time            partners/     changes in commit order, and who fetched them
    tokens       who may call                              feeds/        which are stale, their pages, what was built
    figures      counts for /metrics                       hub/          subscriptions, and requests for them
    readiness    whether it can be written to and is swept places/       where copies lie, and what was read back there
"""

from pipeline.ledger.database import Ledger, Transaction

__all__ = ["Ledger", "Transaction"]
