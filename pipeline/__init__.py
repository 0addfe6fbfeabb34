"""Everything that the product does. It knows no Celery, no settings and no process.

    accept(event)              one transaction, answered at once
        the same event, the same content, or older than its source said → nothing new
        else revision n + 1; due: ask PubMed for PMIDs never heard of, render when they are known or were waited for

    enrich()                   at NCBI's rate for the whole site; what is cited, again every night
        References ← PubMed(up to 200 due PMIDs, whoever cites them)
        a changed standing (retracted, concern, erratum …) is a row, a log line and a number
        due: render the articles of which something new is known

    render(article)            pure
        Revision ← the newest, with its references as they stand; other evidence than was shown is revision n + 1
        Renditions ← each format(Revision, Site)
        due: deliver to the channels that want it or hold it, build the feeds that it is in

    deliver(channel)           withdrawals first
        each article that it is owed: the channel takes it      → held, and the newest if nothing came meanwhile
                                      it cannot just now        → due again, later each time
                                      it refuses for good       → abandoned; a withdrawal is tried daily all the same
        a withdrawal that can be read back is looked for until it is gone: prove()

    feeds()                    however many articles changed, a feed is built once
        documents ← each feed format(the newest Revisions, Site), and the archive page that has changed
        due: the hub's subscribers

    hub()                      many at once, the slow ones apart
        each subscriber that is owed a document: takes the newest, or is due again, or is given up

    sweep()                    every second, in one process: what is due → a doorbell for its stage

A stage takes what is due from the ledger under a lease, does it, and writes down what became of it. A doorbell says
"look at the ledger" and may be lost. So any process may be killed at any instruction.

    model/       the nouns                stages/      the flow above             ledger/    the SQL
    intake/      a file → Article         renditions/  a module for each format   channels/  one for each channel type
    references/  PubMed → References      citations/   References in words        web/       API, feeds, pages, health
"""
