"""References: asking PubMed and the other sources, and reading their answers into `Reference`s and verdicts.

    pubmed/     E-utilities: records by PMID, searches by identifier and by an author's words
    idconv      PMIDs of DOIs and PMCIDs
    sources/    sources that are asked about papers, such as Crossref; `source` is what they have in common
    lists/      lists of retractions that are published whole; `published_list` is what they have in common

All of them send requests through `pipeline.http`.
"""
