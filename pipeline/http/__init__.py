"""Outgoing HTTP: the only module that makes requests. Time and size are bounded, private addresses are refused."""

from pipeline.http.client import Http, Limits
from pipeline.http.connection import CA_FILE, ClientCertificate
from pipeline.http.egress import EgressGuard, Endpoint
from pipeline.http.response import Response

__all__ = ["CA_FILE", "ClientCertificate", "EgressGuard", "Endpoint", "Http", "Limits", "Response"]
