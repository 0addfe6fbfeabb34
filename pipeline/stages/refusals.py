"""Which failures of a source say that it does not want to be asked by us. Pure."""

from __future__ import annotations

from pipeline.errors import TransientError

REFUSALS = frozenset({"html-page", "refused-by-ncbi", "refused-by-source", "api-key-refused", "rate-limited"})
"""The codes of such failures. "rate-limited" is one only if it goes on."""


def is_refusal(error: Exception) -> bool:
    """Return whether the source refuses us: asking often would only prolong that."""
    if not isinstance(error, TransientError) or error.code == "rate-limited":
        return False
    return error.code in REFUSALS and (error.status or 0) < 500
