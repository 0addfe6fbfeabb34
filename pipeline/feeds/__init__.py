"""What feeds and sitemaps are made of, without I/O: where the ledger's rows become documents.

    files       where a built document lies in the rendition store
    profiles    what partners' ingestions ask of an entry and of a feed
    sitemaps    sitemaps.org, and Google's for news
    listing     OPML, and the page that lists the feeds for people

The formats of the feeds themselves stand in `pipeline/renditions/`.
"""
