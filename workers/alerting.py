"""The receivers of alerts, built from the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial

from config.settings import AlertWebhookSettings, ChannelSettings, Settings
from pipeline.channels.email.smtp import server_of
from pipeline.channels.webhook.signing import read_signer
from pipeline.errors import ConfigError
from pipeline.http import Http
from pipeline.secret import SecretRef
from pipeline.stages.alerts.receivers import MailReceiver, PartnerReceiver, WebhookReceiver
from pipeline.stages.context import AlertReceiver


def receivers_of(settings: Settings, http: Http) -> tuple[AlertReceiver, ...]:
    """Return the receivers. Raises ConfigError, for instance for a missing secret."""
    webhooks = (_webhook(one, http) for one in settings.alerts.webhooks)
    partners = (_partner(one, http) for one in settings.channels if one.notify is not None and one.notify.url)
    return (*webhooks, *_by_mail(settings, http), *partners)


def _webhook(one: AlertWebhookSettings, http: Http) -> WebhookReceiver:
    url = one.url
    if url.startswith(("env:", "file:/")):
        url = SecretRef.parse(url).resolve("alerts.webhooks.url")
    return WebhookReceiver(name=f"{one.form}-{_digest(one.url)}", http=http, url=url, form=one.form)


def _by_mail(settings: Settings, http: Http) -> Iterator[MailReceiver]:
    """Yield a receiver for each address."""
    mail = settings.alerts.email
    partners = [(one.id, one.notify.email) for one in settings.channels if one.notify is not None and one.notify.email]
    if mail is None:
        if partners:
            key = f"channels.{partners[0][0]}.notify.email"
            raise ConfigError("needs a mail server: set `alerts.email`", key=key)
        return
    server = server_of(mail, helo=mail.sender.rpartition("@")[2], within="alerts.email.")
    receiver = partial(MailReceiver, server=server, guard=http.guard, sender=mail.sender)
    for to in dict.fromkeys(mail.recipients):
        yield receiver(name=f"email-{_digest(to)}", recipient=to)
    for channel, to in partners:
        yield receiver(name=f"partner-{channel}", recipient=to, channel=channel)


def _partner(channel: ChannelSettings, http: Http) -> PartnerReceiver:
    notify = channel.notify
    assert notify is not None
    assert notify.url is not None
    assert notify.secret is not None
    key = f"channels.{channel.id}.notify.secret"
    signer = read_signer(notify.secret.resolve(key), key=key)
    return PartnerReceiver(
        name=f"partner-{channel.id}", channel=channel.id, http=http, url=notify.url, signers=(signer,)
    )


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:12]
