"""The stages: what happens to an article, in order.

    accept    an event becomes a revision in the ledger
    enrich    PMIDs become references
    sources   what other sources say was done to the cited papers
    render    a revision becomes renditions
    deliver   each channel is brought to the newest revision
    feeds     each stale feed is rebuilt

In addition, `prove` checks that withdrawn articles are gone, `hub` pushes rebuilt feeds to their subscribers, `places`
fills and empties the places that channels have come to or left, `reconcile` reads them back, `refresh` renders articles
again when the way they are rendered has changed, `bulk` does something with all articles that match, `alerts` notifies
people of what needs them, `obligations` checks once a day that everything cited will be asked about again, `prune`
deletes old rows, and `partners` serves changes to partners that ask for them.

`flow.STAGES` is the single list of the stages that workers run.
"""
