"""Readers for the responses of PubMed and the PMC ID Converter.

`pubmed_xml` is pure: XML → `Reference`. `eutils` and `idconv` query NCBI through `pipeline.http`.
"""
