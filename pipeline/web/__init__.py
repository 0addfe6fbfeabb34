"""The web server: the API that accepts events, and everything that readers, partners and operators fetch.

app       assembles the parts                 auth         tokens
rooms     the routes of a part                changing     what an outdated process refuses
v1/       events, articles, deliveries        problems     errors as RFC 9457 problem details
public/   articles, feeds, evidence, the hub  limits       rate limits
partners/ what partners pull                  conditional  If-None-Match and If-Modified-Since
ops/      health and metrics                  openapi/     the description of all of it
"""
