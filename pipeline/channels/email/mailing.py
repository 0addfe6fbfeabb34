"""Who gets which articles by mail, and what became of each: pure bookkeeping for the `email` channel."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.model.delivery import Parcel, Receipt

_DETAIL = 500  # characters


@dataclass(frozen=True)
class Memory:
    """What the ledger keeps as the remote id: `THREAD`, and `THREAD MESSAGE KEY,KEY…` while some still wait."""

    thread: str | None = None  # the Message-ID of the article's first mail
    of: str = ""  # the parcel's message id that those who wait are waiting for
    waiting: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str | None) -> Memory:
        thread, of, waiting = [*(text or "").split(" "), "", "", ""][:3]
        return cls(thread if thread.startswith("<") else None, of, frozenset(filter(None, waiting.split(","))))

    def __str__(self) -> str:
        return " ".join([self.thread or "-", *([self.of, ",".join(sorted(self.waiting))] if self.waiting else [])])

    def resumes(self, parcel: Parcel) -> bool:
        """Whether some have this very revision already."""
        return self.of == parcel.message_id and bool(self.waiting)

    def owes(self, recipient: str, parcel: Parcel) -> bool:
        return not self.resumes(parcel) or key_of(recipient) in self.waiting


def key_of(recipient: str) -> str:
    """Enough of a digest to tell one recipient of a channel from another."""
    return hashlib.sha256(recipient.lower().encode()).hexdigest()[:10]


@dataclass
class Post:
    """The parcels of a batch on their way to the recipients; what became of it is written down with each mail."""

    recipients: Sequence[str]
    parcels: Sequence[Parcel]
    _sent: set[tuple[str, str]] = field(default_factory=set)  # message id of a parcel, recipient
    _failed: dict[tuple[str, str], CitewireError] = field(default_factory=dict)
    _broken: CitewireError | None = None  # why the rest was not tried

    def mails(self, *, digest: bool) -> Iterator[tuple[str, Sequence[Parcel]]]:
        """A recipient, and what goes to him in one mail: all that he is owed, or one article.

        Article by article, so that when the time is up the first ones have reached everybody.
        """
        for parcels in [self.parcels] if digest else [[one] for one in self.parcels]:
            for recipient in self.recipients:
                owed = [one for one in parcels if Memory.parse(one.remote_id).owes(recipient, one)]
                if owed:
                    yield recipient, owed

    def sent(self, recipient: str, parcels: Sequence[Parcel]) -> None:
        self._sent |= {(one.message_id, recipient) for one in parcels}

    def failed(self, recipient: str, parcels: Sequence[Parcel], error: CitewireError) -> None:
        self._failed |= {(one.message_id, recipient): error for one in parcels}

    def broken(self, error: CitewireError) -> None:
        """The session is over: who was not reached waits."""
        self._broken = error

    def outcome(self, parcel: Parcel, *, thread: str) -> Receipt | CitewireError:
        """What became of one parcel. `thread`: the Message-ID of its mail, where there was none before.

        Nobody has it: the first failure, as if there were one recipient. Some have it, and others may get it later:
        TransientError (`recipients-waiting`) with the `remote_id` to remember. Else it is done, refusals and all.
        """
        memory = Memory.parse(parcel.remote_id)
        owed = [recipient for recipient in self.recipients if memory.owes(recipient, parcel)]
        failures = [(recipient, error) for recipient in owed if (error := self._failure(parcel, recipient))]
        waiting = [one for one in failures if not isinstance(one[1], PermanentError)]
        sent = len(owed) - len(failures)
        if failures and not sent and not memory.resumes(parcel):
            return (waiting or failures)[0][1]
        thread = memory.thread or thread
        if waiting:
            keys = frozenset(key_of(recipient) for recipient, _ in waiting)
            return _waiting(len(waiting), len(self.recipients), waiting[0][1], Memory(thread, parcel.message_id, keys))
        refused = "".join(f"; refused: {recipient} ({error})" for recipient, error in failures)
        return Receipt(detail=f"sent to {sent}{refused}"[:_DETAIL], status=250, remote_id=str(Memory(thread)))

    def _failure(self, parcel: Parcel, recipient: str) -> CitewireError | None:
        one = (parcel.message_id, recipient)
        return None if one in self._sent else self._failed.get(one, self._broken)


def answered(parcels: Sequence[Parcel]) -> list[str]:
    """The Message-IDs that a mail with these parcels follows up."""
    threads = (Memory.parse(one.remote_id).thread for one in parcels)
    return list(dict.fromkeys(thread for thread in threads if thread))


def unfit(parcel: Parcel) -> PermanentError | None:
    """Why it cannot go by mail."""
    if parcel.rendition.media_type == "text/html":
        return None
    return PermanentError(f"mail is made of HTML: {parcel.rendition.format!r} is none", code="format-unfit")


def _waiting(waiting: int, of: int, error: CitewireError, memory: Memory) -> TransientError:
    return TransientError(
        f"{waiting} of {of} recipients are still without it: {error}",
        status=getattr(error, "status", None),
        retry_after=getattr(error, "retry_after", None),
        code="recipients-waiting",
        remote_id=str(memory),
    )
