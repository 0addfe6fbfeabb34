"""/v1: the API for publishers and operators."""
