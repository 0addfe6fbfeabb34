"""Receivers of notices: a webhook, people by mail, or the partner of a channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Literal

import msgspec

from pipeline.channels.email.smtp import Server, session
from pipeline.channels.shared.deadline import Deadline
from pipeline.channels.webhook.signing import Signer, signed
from pipeline.http import EgressGuard, Http, Limits
from pipeline.stages.alerts.notice import Notice, as_json, as_partners_event, as_slack, as_teams, as_text, subject
from pipeline.stages.attention import Condition

Form = Literal["json", "slack", "teams"]

FORMS: Mapping[Form, Callable[[Notice], dict[str, Any]]] = {"json": as_json, "slack": as_slack, "teams": as_teams}

_LIMITS = Limits(max_bytes=16_384, truncate=True)
_PARTNERS = frozenset({"delivery-exhausted", "channel-disabled"})
_TOTAL = 35.0  # seconds for a mail
_SUBJECT = 200  # characters


@dataclass(frozen=True)
class WebhookReceiver:
    """An address of the operator's. It may contain a secret, so no message quotes it."""

    name: str
    http: Http
    url: str
    form: Form

    def accepts(self, condition: Condition) -> bool:
        return True

    def send(self, notice: Notice) -> None:
        body = msgspec.json.encode(FORMS[self.form](notice))
        _post(self.http, self.url, notice, body, {})


@dataclass(frozen=True)
class MailReceiver:
    """One mail address. With `channel`, that of its partner, who is notified about that channel only.

    Each address is a separate receiver, so one that is refused neither delays the others nor sends them duplicates.
    """

    name: str
    server: Server
    guard: EgressGuard
    sender: str
    recipient: str
    channel: str | None = None

    def accepts(self, condition: Condition) -> bool:
        return self.channel is None or _concerns(self.channel, condition)

    def send(self, notice: Notice) -> None:
        with session(self.server, self.guard, Deadline(_TOTAL)) as smtp:
            smtp.send(self.sender, self.recipient, self._mail(notice))

    def _mail(self, notice: Notice) -> bytes:
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        message["From"], message["To"] = self.sender, self.recipient
        message["Subject"] = subject(notice)[:_SUBJECT]
        message["Message-ID"] = f"<{notice.id}@{self.sender.rpartition('@')[2]}>"
        message["Date"] = notice.at
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        message.set_content(as_text(notice, commands=self.channel is None))
        return bytes(message)


@dataclass(frozen=True)
class PartnerReceiver:
    """A partner's own address for what cannot be delivered to its channel: signed as the channel's webhooks are."""

    name: str
    channel: str
    http: Http
    url: str
    signers: tuple[Signer, ...]

    def accepts(self, condition: Condition) -> bool:
        return _concerns(self.channel, condition)

    def send(self, notice: Notice) -> None:
        body = msgspec.json.encode(as_partners_event(notice))
        _post(self.http, self.url, notice, body, signed(notice.id, int(notice.at.timestamp()), body, self.signers))


def _concerns(channel: str, condition: Condition) -> bool:
    return condition.channel == channel and condition.kind in _PARTNERS


def _post(http: Http, url: str, notice: Notice, body: bytes, headers: Mapping[str, str]) -> None:
    headers = {"content-type": "application/json", **headers}
    response = http.request("POST", url, headers=headers, body=body, limits=_LIMITS)
    response.raise_for_delivery(notice.at)
