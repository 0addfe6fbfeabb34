"""Everything the product does. It knows no Celery, no settings and no process.

    accept(event)              one transaction, answered at once
        the same event or the same content → nothing new; overtaken by a newer one → answered as overtaken
        otherwise revision n + 1; due: ask PubMed for PMIDs never seen before, render once they are known or time is up

    enrich()                   at NCBI's rate for the whole site; cited papers are looked up again every night
        References ← PubMed(up to 200 due PMIDs, of all articles together)
        a changed editorial status (retracted, concern, erratum …) becomes a row, a log line and a number
        due: render the articles that cite a paper with news

    sources()                  each source beside PubMed at its own pace
        verdicts ← what Crossref, Europe PMC and Retraction Watch say was done to cited papers; a source that is silent
                   takes nothing back
        due: render the articles that cite a paper with news

    render(article)            a pure decision, then one writer
        Revision ← the newest, with its references as they are now; new evidence for shown content is revision n + 1
        Renditions ← each format(Revision, Site)
        due: deliver to the channels that want it or have it, rebuild the feeds that list it

    deliver(channel)           withdrawals first
        for each article it lacks: the channel accepts it  → delivered, unless a newer revision arrived meanwhile
                                   it cannot at present    → due again, with a growing pause
                                   it never accepts it     → abandoned; a withdrawal is tried hourly all the same
        prove(): a withdrawal that can be read back is looked for until the article is gone

    feeds()                    however many articles changed, a feed is built once
        documents ← each feed format(the newest Revisions and withdrawals, Site), and the archive page that changed
        due: the hub's subscribers

    hub()                      many subscribers at once, the slow ones apart
        each subscriber is pushed the newest document, is due again, or is dropped

    sweep()                    every second, in one process: whatever is due → a doorbell for its stage

    refresh, places, reconcile, bulk, alerts, obligations and prune are in stages/__init__.py.

A stage claims due rows from the ledger under a lease, does the work, and records the outcome. A doorbell says "look at
the ledger" and may be lost. So any process may be killed at any instruction.

    model/       the nouns                stages/      the flow above              ledger/    the SQL
    intake/      a file → Article         renditions/  one for each format         channels/  one for each channel type
    flattening/  marked-up text → plain   citations/   References in words         web/       API, feeds, pages, health
    references/  PubMed → References      feeds/       what feeds are made of      views/     what API and --json show
    appraisal/   what is said of a paper  http/        every request that goes out store/     bytes by digest
    judging/     bytes → rules they break
"""
