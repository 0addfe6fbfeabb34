"""Turn the ledger's rows into feeds and sitemaps. No I/O.

    files       the path of a built document in the rendition store
    profiles    what partners' ingestion requires of an entry and of a feed
    sitemaps    sitemaps.org, and Google's for news
    listing     the addresses of feeds, OPML
    site_pages  the site's own pages for people, robots.txt, the icon
    evidence    the feed of evidence changes

The feed formats themselves are in `pipeline/renditions/`.
"""
