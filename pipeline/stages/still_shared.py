"""Whether this host still sees the folders and the store that all hosts of the site share.

A mount can go away while a worker runs. What is written then lies on the host's own disk below it, where nobody sees
it, and comes to nothing when the mount is back. So the mark that was proved at the start is looked at again with every
delivery into a folder, and with every public file: after the write, too, before it counts.
"""

from __future__ import annotations

from pipeline.channels import MarkedChannel
from pipeline.errors import TransientError
from pipeline.ledger import Ledger, shared_places
from pipeline.stages.context import Context

STORE = "store"  # the name of the rendition store among the places that hosts share
MARK_FILE = "citewire-site"  # in the rendition store, outside what web servers serve


def nonce_of(ledger: Ledger, name: str) -> str | None:
    """Return the mark that the place must have, or None if it is not shared."""
    with ledger.read() as transaction:
        known = shared_places.known(transaction, name)
    return None if known is None else known.nonce


def check_folder(channel: MarkedChannel, nonce: str | None) -> None:
    """Raise TransientError (`folder-unavailable`) unless the channel's folder has the mark."""
    if nonce is not None and channel.mark() != nonce:
        message = f"the folder {channel.place} of this host is not the one that all hosts share: is it mounted?"
        raise TransientError(message, code="folder-unavailable")


def check_store(context: Context, nonce: str | None) -> None:
    """Raise TransientError (`store-unreachable`) unless the store is an object store or has the mark."""
    if nonce is None or not context.store.local:
        return
    found = context.store.get_file(MARK_FILE)
    if found is None or found[0].decode("ascii", "replace").strip() != nonce:
        message = "the rendition store of this host is not the one that all hosts share: is it mounted?"
        raise TransientError(message, code="store-unreachable")
