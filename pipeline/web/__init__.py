"""The web side: the API that takes events in, and what readers and partners fetch.

app        puts the parts together          cloudevents  an HTTP request → events
api        /v1: events, articles, deliveries
public     feeds and articles, with conditional requests
health     /healthz, /readyz                problems     errors as RFC 9457 problem details
auth       tokens                            limits       how often a caller may ask
partners   what partners pull                arrivals     waiting for it
hub        where readers subscribe
"""
