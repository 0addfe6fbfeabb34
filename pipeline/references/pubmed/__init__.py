"""PubMed through NCBI's E-utilities: requests, and what their answers say."""
