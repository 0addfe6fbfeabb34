"""The five stages: what happens to an article, in order.

    accept    an event becomes a revision in the ledger
    enrich    PMIDs become references
    render    a revision becomes renditions
    deliver   each channel is brought to the newest revision
    feeds     each stale feed is built anew

Beside them `watch` notes what the evidence says anew, `prove` looks whether what was withdrawn is gone, `hub` pushes
what was built to whoever subscribed, and `pull` tells partners who ask what has changed.

Each is a function of a `Context`: it takes what is due from the ledger, does it, writes down what became of it and
rings for the next stage. None keeps anything in memory that the ledger does not hold, so any of them may be killed at
any instruction and run again.
"""
