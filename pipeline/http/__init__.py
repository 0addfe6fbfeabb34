"""The one way out: limited in time and size, guarded against our own network, silent about secrets."""

from pipeline.http.client import Http, Limits
from pipeline.http.connection import CA_FILE, ClientCertificate
from pipeline.http.egress import EgressGuard, Endpoint
from pipeline.http.response import Response
from pipeline.http.urls import web_address

__all__ = ["CA_FILE", "ClientCertificate", "EgressGuard", "Endpoint", "Http", "Limits", "Response", "web_address"]
