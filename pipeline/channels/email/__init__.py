"""The `email` channel: articles by SMTP, one per mail or several in a digest.

Every recipient gets a separate mail. No one sees the others' addresses, and a failure for one recipient does not affect
the rest: a retry goes only to those who do not have the mail yet. The remote id records who they are. It is stored in
the ledger after a failure too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import structlog
from pydantic import Field, StringConstraints, model_validator

from pipeline.channels import ChannelType
from pipeline.channels.email.mail import Letterhead, Line, Mail, MailAddress, mail, message_id
from pipeline.channels.email.mailing import Post, earlier_mails, shown, unsendable
from pipeline.channels.email.smtp import Security, Session, server_of, session
from pipeline.channels.shared.announcing import delivered
from pipeline.channels.shared.deadline import Deadline
from pipeline.channels.shared.settings import LocalPath, TotalTimeout
from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt
from pipeline.secret import SecretRef
from pipeline.validation import form

_log = structlog.get_logger()

_CLOSING = 421  # "service not available, closing" (RFC 5321, section 4.2.2)

HostName = Annotated[
    str, StringConstraints(max_length=253), form(r"[A-Za-z0-9.:_-]+", "must be a host name or an IP address")
]


class EmailSettings(Letterhead):
    host: HostName
    port: int | None = Field(None, ge=1, le=65_535)  # None: 587, 465 or 25, depending on `security`
    security: Security = "starttls"
    ca_file: LocalPath | None = None
    username: Line | None = None
    password: SecretRef | None = None
    recipients: tuple[MailAddress, ...] = Field(min_length=1, max_length=200)
    digest: bool = False
    total_timeout: TotalTimeout = 35.0

    @model_validator(mode="after")
    def _login_over_tls(self) -> EmailSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("give both `username` and `password`, or neither")
        if self.password is not None and self.security == "none":
            raise ValueError("passwords are sent only over TLS: `security` must be 'starttls' or 'tls'")
        return self


class Email:
    def __init__(self, settings: EmailSettings, http: Http) -> None:
        self._settings = settings
        self._guard = http.guard
        self._server = server_of(settings, helo=settings.domain)

    def deliver(self, parcel: Parcel) -> Receipt:
        return delivered(self.deliver_all([parcel])[0])

    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        recipients = tuple(dict.fromkeys(self._settings.recipients))
        post = Post(recipients, [parcel for parcel in parcels if not unsendable(parcel)])
        if post.parcels:
            with session(self._server, self._guard, Deadline(self._settings.total_timeout)) as smtp:
                self._send(post, smtp)
        return [unsendable(parcel) or post.outcome(parcel, thread=self._thread(parcel, post)) for parcel in parcels]

    def check(self) -> str:
        with session(self._server, self._guard, Deadline(self._settings.total_timeout)) as smtp:
            return f"reached: {self._server.host}, {smtp.idle()}"

    def close(self) -> None:
        """Do nothing: a session lasts for one batch only."""

    def _send(self, post: Post, smtp: Session) -> None:
        """Send mails until all are sent or the session ends."""
        composed: dict[str, Mail] = {}
        for recipient, parcels in post.mails(digest=self._settings.digest):
            id = message_id(parcels, self._settings)
            message = composed.get(id) or mail(parcels, self._settings, earlier_mails(parcels))
            composed = {id: message}  # the next recipient usually gets the same mail
            try:
                smtp.send(self._settings.sender, recipient, message.to(recipient))
            except (TransientError, PermanentError) as error:
                post.failed(recipient, parcels, error)
                if isinstance(error, PermanentError):
                    whose = {"host": self._server.host, "recipient": shown(recipient)}
                    _log.warning("recipient refused", **whose, status=error.status)
                if error.status in (None, _CLOSING):
                    return post.broken(error)
            else:
                post.sent(recipient, parcels)
        return None

    def _thread(self, parcel: Parcel, post: Post) -> str:
        return message_id(post.parcels if self._settings.digest else [parcel], self._settings)


CHANNEL = ChannelType(
    name="email",
    settings=EmailSettings,
    open=Email,
    format="html",
    also=("json-feed", "plain-text"),
    backfill=False,  # a new subscriber does not want the whole archive as mail
    replaces=False,  # nor all of it again because of a new disclaimer
)
