"""PubMed through NCBI's E-utilities: sending requests and reading the responses."""
