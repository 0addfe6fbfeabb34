"""Who is told of what needs a person, by the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from config import Settings
from config.settings import AlertMailSettings, AlertWebhookSettings, ChannelSettings
from pipeline.channels.email.smtp import Server, tls_context
from pipeline.channels.webhook.signing import read_signer
from pipeline.errors import ConfigError
from pipeline.http import CA_FILE, Http
from pipeline.secret import SecretRef
from pipeline.stages.alerts.receivers import MailReceiver, PartnerReceiver, WebhookReceiver
from pipeline.stages.context import AlertReceiver

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def receivers_of(settings: Settings, http: Http) -> tuple[AlertReceiver, ...]:
    """Return everyone who is told. Raises ConfigError, as for a missing secret."""
    mail = settings.alerts.email
    people = _people(mail, http) if mail is not None else None
    found: list[AlertReceiver] = [_webhook(one, http) for one in settings.alerts.webhooks]
    if people is not None and people.recipients:
        found.append(people)
    return (*found, *_partners(settings, http, people))


def _webhook(one: AlertWebhookSettings, http: Http) -> WebhookReceiver:
    url = one.url
    if url.startswith(("env:", "file:/")):
        url = SecretRef.parse(url).resolve("alerts.webhooks.url")
    name = hashlib.sha256(one.url.encode()).hexdigest()[:12]
    return WebhookReceiver(name=f"{one.form}-{name}", http=http, url=url, form=one.form)


def _people(mail: AlertMailSettings, http: Http) -> MailReceiver:
    ca_file = str(mail.ca_file or CA_FILE)
    try:
        tls = tls_context(ca_file)
    except OSError as error:  # includes SSLError
        message = f"{ca_file} contains no readable certificates: {error.strerror or error}"
        raise ConfigError(message, key="alerts.email.ca_file") from error
    login = None
    if mail.username is not None and mail.password is not None:
        login = (mail.username, mail.password.resolve("alerts.email.password"))
    server = Server(
        host=mail.host,
        port=mail.port or _PORTS[mail.security],
        security=mail.security,
        tls=tls,
        helo=mail.sender.rpartition("@")[2],
        login=login,
    )
    return MailReceiver(name="email", server=server, guard=http.guard, sender=mail.sender, recipients=mail.recipients)


def _partners(settings: Settings, http: Http, people: MailReceiver | None) -> Iterator[AlertReceiver]:
    for channel in settings.channels:
        if channel.notify is None:
            continue
        if channel.notify.email is None:
            yield _partner(channel, http)
        elif people is None:
            key = f"channels.{channel.id}.notify.email"
            raise ConfigError("needs a mail server: set `alerts.email`", key=key)
        else:
            name, to = f"partner-{channel.id}", (channel.notify.email,)
            yield replace(people, name=name, recipients=to, channel=channel.id)


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
