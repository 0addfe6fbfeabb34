"""References: PubMed's and the ID converter's answers, read and told apart.

`pubmed_xml` is pure: XML → `Reference`. `eutils` and `idconv` ask NCBI through `pipeline.http`.
"""
