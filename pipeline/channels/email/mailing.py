"""Bookkeeping for the `email` channel: which recipient gets which articles, and the outcome of each. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import CitewireError, PermanentError, TransientError, UnsendableError
from pipeline.model.delivery import Parcel, Receipt

_DETAIL = 500  # characters
_Failure = tuple[str, CitewireError]  # a recipient, and why the mail was not sent


@dataclass(frozen=True)
class Memory:
    """The state kept as the remote id: `THREAD`, and while recipients are waiting `THREAD MESSAGE WAITING [REFUSED]`.

    The last two are keys of recipients, separated by commas.
    """

    thread: str | None = None  # the Message-ID of the article's first mail
    of: str = ""  # the message id of the parcel that recipients are waiting for
    waiting: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()  # for good, in an earlier attempt at the same parcel

    @classmethod
    def parse(cls, text: str | None) -> Memory:
        """Parse a remote id."""
        thread, of, *kept = [*(text or "").split(" "), "", "", "", ""][:4]
        waiting, refused = (frozenset(filter(None, keys.split(","))) for keys in kept)
        return cls(thread if thread.startswith("<") else None, of, waiting, refused)

    def __str__(self) -> str:
        kept = [self.of, *(",".join(sorted(keys)) for keys in (self.waiting, self.refused) if keys)]
        return " ".join([self.thread or "-", *(kept if self.waiting else [])])

    def resumes(self, parcel: Parcel) -> bool:
        """Return whether some recipients already have this revision."""
        return self.of == parcel.message_id and bool(self.waiting)

    def needs(self, recipient: str, parcel: Parcel) -> bool:
        """Return whether the recipient does not have this revision yet."""
        return not self.resumes(parcel) or key_of(recipient) in self.waiting


def key_of(recipient: str) -> str:
    """Return a short digest that identifies a recipient within the channel."""
    return hashlib.sha256(recipient.lower().encode()).hexdigest()[:10]


@dataclass
class Post:
    """A batch of parcels on its way to the recipients, with the outcome of each mail."""

    recipients: Sequence[str]
    parcels: Sequence[Parcel]
    _sent: set[tuple[str, str]] = field(default_factory=set)  # message id of a parcel, recipient
    _failed: dict[tuple[str, str], CitewireError] = field(default_factory=dict)
    _broken: CitewireError | None = None  # why the rest was not attempted

    def mails(self, *, digest: bool) -> Iterator[tuple[str, Sequence[Parcel]]]:
        """Yield each recipient with the parcels of one mail: everything that is missing, or a single article.

        The order is article by article, so that if time runs out, the first articles have reached everyone.
        """
        for parcels in [self.parcels] if digest else [[one] for one in self.parcels]:
            for recipient in self.recipients:
                parcels_due = [one for one in parcels if Memory.parse(one.remote_id).needs(recipient, one)]
                if parcels_due:
                    yield recipient, parcels_due

    def sent(self, recipient: str, parcels: Sequence[Parcel]) -> None:
        self._sent |= {(one.message_id, recipient) for one in parcels}

    def failed(self, recipient: str, parcels: Sequence[Parcel], error: CitewireError) -> None:
        self._failed |= {(one.message_id, recipient): error for one in parcels}

    def broken(self, error: CitewireError) -> None:
        """Record that the session ended: recipients who were not reached keep waiting."""
        self._broken = error

    def outcome(self, parcel: Parcel, *, thread: str) -> Receipt | CitewireError:
        """Return the outcome of one parcel. `thread`: the Message-ID of its mail, used if it is the article's first.

        If no recipient has the mail, the outcome is the first failure. If some have it and others may get it later, it
        is a TransientError (`recipients-waiting`) with the `remote_id` to keep. Otherwise it is a Receipt. Both list
        the recipients who were refused, in this attempt and in those before.
        """
        memory = Memory.parse(parcel.remote_id)
        recipients_due = [recipient for recipient in self.recipients if memory.needs(recipient, parcel)]
        failures = [(recipient, error) for recipient in recipients_due if (error := self._failure(parcel, recipient))]
        waiting = [one for one in failures if not _is_final(one[1])]
        sent = len(recipients_due) - len(failures)
        if failures and not sent and not memory.resumes(parcel):
            return (waiting or failures)[0][1]
        refused = [one for one in failures if _is_final(one[1])]
        before = memory.refused if memory.resumes(parcel) else frozenset()
        words, thread = self._words(refused, before), memory.thread or thread
        if waiting:
            kept = Memory(thread, parcel.message_id, _keys_of(waiting), before | _keys_of(refused))
            return self._waiting(waiting[0][1], kept, words)
        return Receipt(detail=f"sent to {sent}{words}"[:_DETAIL], status=250, remote_id=str(Memory(thread)))

    def _words(self, refused: Sequence[_Failure], before: frozenset[str]) -> str:
        """Return who was refused for good, now and before."""
        now = [f"; refused: {recipient} ({error})" for recipient, error in refused]
        return "".join([*now, *(f"; refused before: {one}" for one in self.recipients if key_of(one) in before)])

    def _waiting(self, error: CitewireError, memory: Memory, refused: str) -> TransientError:
        text = f"{len(memory.waiting)} of {len(self.recipients)} recipients do not have it yet: {error}{refused}"
        return TransientError(
            text[:_DETAIL],
            status=getattr(error, "status", None),
            retry_after=getattr(error, "retry_after", None),
            code="recipients-waiting",
            remote_id=str(memory),
        )

    def _failure(self, parcel: Parcel, recipient: str) -> CitewireError | None:
        one = (parcel.message_id, recipient)
        return None if one in self._sent else self._failed.get(one, self._broken)


def earlier_mails(parcels: Sequence[Parcel]) -> list[str]:
    """Return the Message-IDs of the mails that a mail with these parcels follows up."""
    threads = (Memory.parse(one.remote_id).thread for one in parcels)
    return list(dict.fromkeys(thread for thread in threads if thread))


def unsendable(parcel: Parcel) -> UnsendableError | None:
    """Return an error if the parcel cannot be sent by mail."""
    if parcel.rendition.media_type == "text/html":
        return None
    return UnsendableError(f"mail needs an HTML format: {parcel.rendition.format!r} is not one", code="format-unfit")


def shown(recipient: str) -> str:
    """Return an address as the log may have it, which only those who know the recipients can complete."""
    local, _, domain = recipient.rpartition("@")
    return f"{local[:1]}…@{domain}"


def _keys_of(failures: Sequence[_Failure]) -> frozenset[str]:
    return frozenset(key_of(recipient) for recipient, _ in failures)


def _is_final(error: CitewireError) -> bool:
    return isinstance(error, PermanentError)
