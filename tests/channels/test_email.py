"""What is particular to mail: its headers, its two forms, its threads, and recipients who fare differently."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from channel_harness import parcel
from endpoint_troubles import local_http
from harness_email import saying
from hypothesis import given
from hypothesis import strategies as st
from made_keys import certificate
from rendered import FILES, rendered
from smtp_server import PASSWORD, USER, BadServer, Mailbox, mail_server

from pipeline.channels import BatchChannel
from pipeline.channels.email import CHANNEL, Email
from pipeline.channels.email.mail import Letterhead, mail, one_line
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.rendition import Rendition

A, B, C = (f"{name}@partner.example.org" for name in "abc")
LETTERHEAD = Letterhead(sender="news@notes.example.org", sender_name="Doctor's Note")


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def opened(trusted: Path) -> Iterator[Callable[..., Email]]:
    http = local_http()

    def opened(port: int, **settings: object) -> Email:
        own = {"host": "127.0.0.1", "port": port, "ca_file": str(trusted), "sender": LETTERHEAD.sender}
        own |= {"recipients": [A], "total_timeout": 30, **settings}
        return cast("Email", open_channel(CHANNEL, read_settings(CHANNEL, own, prefix="x"), http, prefix="x"))

    yield opened
    http.close()


def short(revision: int = 1, event: Any = None, *, article: str = "spasms", **changes: Any) -> Parcel:
    words = f"<p>Revision {revision} of {article}.</p>"
    return replace(saying(parcel(revision, event, article=article), words), **changes)


def read(raw: bytes) -> EmailMessage:
    return cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default))


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return cast("str", part.get_content()).replace("\r\n", "\n")


def composed(*parcels: Parcel, letterhead: Letterhead = LETTERHEAD, answers: Sequence[str] = ()) -> EmailMessage:
    return read(mail(parcels, letterhead, answers).to(A))


# --- the mail itself ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("format", ["html", "amp"])
def test_an_article_goes_as_text_and_as_html(file: Path, format: str) -> None:
    one = rendered(file, format)
    message = composed(one)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text, html = text_of(message), text_of(message, "html")
    for words in (one.title, "This does not replace your doctor's advice."):
        assert " ".join(words.split()) in " ".join(text.split())
    assert one.links is not None
    assert text.rstrip().endswith(one.links.page)
    assert f'<a href="{one.links.page}">' in html
    assert "<script" not in html and "<form" not in html and "<nav" not in html
    assert "Skip to the article" not in text and "twitter.com" not in html
    assert 'href="#' not in html
    assert message["Subject"] == " ".join(one.title.split())
    assert message["Message-ID"] == f"<{one.message_id}@notes.example.org>"


def test_every_line_that_is_sent_is_short_and_ascii() -> None:
    for file in FILES:
        raw = mail([rendered(file, "html")], LETTERHEAD).to(A)
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert raw.isascii()
        assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_withdrawal_says_so() -> None:
    message = composed(rendered(FILES[0], "html", revision=2, event="withdrawn"))
    assert message["Subject"].startswith("Withdrawn: ")
    for kind in ("plain", "html"):
        assert "This article was withdrawn on" in text_of(message, kind)
        assert "The dose was wrong." in text_of(message, kind)
    assert "Read it on the web" not in text_of(message, "html")


def test_an_update_follows_up_the_first_mail() -> None:
    message = composed(short(2), answers=["<msg-1@notes.example.org>"])
    assert message["In-Reply-To"] == message["References"] == "<msg-1@notes.example.org>"
    assert message["Subject"] == "Updated: What is spasticity?"


def test_several_articles_make_one_digest_with_withdrawals_first() -> None:
    message = composed(
        short(title="First"), short(2, article="b", title="Second"), short(3, "withdrawn", article="c", title="Third")
    )
    assert message["Subject"] == "3 articles: Withdrawn: Third; First; Updated: Second"
    text, html = text_of(message), text_of(message, "html")
    assert text.startswith("1. Withdrawn: Third\n2. First\n3. Updated: Second\n")
    for words in ("Revision 1 of spasms.", "Revision 2 of b.", "Revision 3 of c."):
        assert words in text and words in html
    assert text.index("Revision 3") < text.index("Revision 1") < text.index("Revision 2")
    named = composed(
        short(), short(article="b"), letterhead=LETTERHEAD.model_copy(update={"digest_subject": "Today's articles"})
    )
    assert named["Subject"] == "Today's articles"


def test_the_same_articles_are_the_same_mail_in_any_order() -> None:
    a, b = short(), short(article="b")
    assert composed(a, b)["Message-ID"] == composed(b, a)["Message-ID"] != composed(a)["Message-ID"]


def test_whoever_wants_no_more_finds_how() -> None:
    addresses = ("mailto:stop@notes.example.org?subject=stop", "https://notes.example.org/stop")
    message = composed(
        short(),
        letterhead=LETTERHEAD.model_copy(update={"unsubscribe": addresses, "one_click": True, "list_id": "x.y.org"}),
    )
    assert message["List-Unsubscribe"] == f"<{addresses[0]}>, <{addresses[1]}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<x.y.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "To unsubscribe: https://notes.example.org/stop" in text_of(message)
    assert '<a href="https://notes.example.org/stop">' in text_of(message, "html")


ANY_TITLE = st.one_of(
    st.text(max_size=300),
    st.text("\r\n\u2028\u0085\x00 :,@<>=?_abäß漢🧠\u202eם\ud800", min_size=1, max_size=120),
    st.sampled_from(["x\r\nBcc: all@example.org", "=?utf-8?q?a=0D=0ABcc:_b?=", "ä" * 500, "🧠" * 200, "a" * 2000]),
)


@given(ANY_TITLE, ANY_TITLE)
def test_no_title_ends_a_header(title: str, name: str) -> None:
    raw = mail([short(title=f"x{title}")], LETTERHEAD.model_copy(update={"sender_name": name})).to(A)
    message = read(raw)
    expected = ["From", "Subject", "Date", "Message-ID", "Auto-Submitted", "Citewire-Article", "Citewire-Revision"]
    assert message.keys() == [*expected, "Citewire-Event", "To", "MIME-Version", "Content-Type"]
    assert "".join(message["Subject"].split()) == "".join(one_line(f"x{title}").split())
    assert [one.addr_spec for one in message["From"].addresses] == [LETTERHEAD.sender]
    assert max(map(len, raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 300
    assert text_of(message).startswith("Revision 1 of spasms.")


@given(ANY_TITLE)
def test_a_subject_is_folded_into_short_lines_and_short_encoded_words(title: str) -> None:
    raw = mail([short(title=f"x{title}")], LETTERHEAD).to(A)
    subject = raw[raw.index(b"Subject: ") : raw.index(b"\r\nDate:")].decode("ascii")
    lines = subject.split("\r\n")
    assert max(map(len, lines)) <= 78  # RFC 5322, section 2.1.1
    assert lines[0] != "Subject: "
    for word in re.findall(r"=\?utf-8\?[bq]\?[^?]*\?=", subject):
        assert len(word) <= 75  # RFC 2047, section 2
        str(make_header(decode_header(word)))  # no character is split between two words


@given(ANY_TITLE)
def test_a_line_for_a_header_has_no_control_character(text: str) -> None:
    line = one_line(text)
    assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 or one in "\u2028\u2029" for one in line)
    assert len(line) <= 250


def test_a_title_in_any_script_is_read_back_as_it_was() -> None:
    for title in ("Was hilft gegen Spastik?", "ما هو التشنج؟", "痙縮とは 🧠", "Ünï" * 40, 'She said "no", <twice>'):
        assert composed(short(title=title))["Subject"] == title


def test_what_an_article_holds_does_not_become_markup_of_ours() -> None:
    message = composed(short(title="<script>alert(1)</script>"), short(article="b"))
    assert "<script" not in text_of(message, "html")


@pytest.mark.parametrize("body", [b"", b" ", b"\x00", b"<!-- -->", b"<script>x</script>", b"plain", b"<p>\xff\xfe"])
@pytest.mark.parametrize("event", ["published", "withdrawn"])
def test_any_text_makes_a_mail(body: bytes, event: str) -> None:
    known = short(event=event)
    one = replace(known, also={**known.also, "plain-text": Rendition("plain-text", "text/plain", body)})
    for message in (composed(one), composed(one, short(article="b"))):
        assert text_of(message) is not None
        assert "<script" not in text_of(message, "html")


def test_nothing_of_a_page_that_is_no_use_in_a_mail_comes_with_it() -> None:
    """No script, no menu, no anchor that leads nowhere: in the example with most of everything."""
    for file in FILES:
        html = text_of(composed(rendered(file, "html")), "html")
        for markup in ("<script", "<form", "<nav", "<iframe", 'href="#', 'class="share"'):
            assert markup not in html


# --- recipients ---------------------------------------------------------------------------------------------------


def remembered(error: object) -> str:
    assert isinstance(error, TransientError)
    return error.ids["remote_id"]


def test_each_recipient_gets_a_mail_of_his_own(box: Mailbox, trusted: Path, opened: Callable[..., Email]) -> None:
    with mail_server(box, trusted) as port:
        receipt = opened(port, recipients=[A, B]).deliver(short())
    assert receipt.detail == "sent to 2"
    assert [(one.recipient, one.message["To"], one.encrypted) for one in box.mails] == [(A, A, True), (B, B, True)]
    assert receipt.remote_id == "<msg-spasms-1@notes.example.org>"


def test_whoever_has_it_does_not_get_it_again_when_the_others_are_tried_later(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    box.rcpt, box.data = {B: "451 greylisted"}, {C: "452 mailbox full"}
    with mail_server(box, trusted) as port:
        channel = opened(port, recipients=[A, B, C])
        (error,) = channel.deliver_all([short()])
        assert isinstance(error, TransientError)
        assert error.code == "recipients-waiting"
        assert str(error).startswith("2 of 3 recipients do not have it yet: 127.0.0.1: 451 greylisted")
        box.rcpt = {}
        (error,) = channel.deliver_all([short(remote_id=remembered(error))])
        box.data = {}
        (receipt,) = channel.deliver_all([short(remote_id=remembered(error))])
        assert isinstance(receipt, Receipt)
        assert sorted(one.recipient for one in box.mails) == [A, B, C]
        assert len({one.message["Message-ID"] for one in box.mails}) == 1
        channel.deliver(short(2, remote_id=receipt.remote_id))
    assert sorted(one.recipient for one in box.mails) == [A, A, B, B, C, C]
    assert {one.message["In-Reply-To"] for one in box.mails[3:]} == {"<msg-spasms-1@notes.example.org>"}


def test_a_newer_revision_goes_to_all_whoever_was_waiting_for_the_last(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    box.rcpt = {B: "451 greylisted"}
    with mail_server(box, trusted) as port:
        channel = opened(port, recipients=[A, B])
        (error,) = channel.deliver_all([short()])
        box.rcpt = {}
        channel.deliver(short(2, remote_id=remembered(error)))
    assert [(one.recipient, one.message["Citewire-Revision"]) for one in box.mails] == [(A, "1"), (A, "2"), (B, "2")]


def test_a_recipient_who_is_refused_for_good_is_named_and_not_tried_again(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    box.rcpt = {B: "550 no such user", C: "451 greylisted"}
    with mail_server(box, trusted) as port:
        channel = opened(port, recipients=[A, B, C])
        (error,) = channel.deliver_all([short()])
        box.rcpt = {B: "250 OK"}
        receipt = channel.deliver(short(remote_id=remembered(error)))
        box.rcpt = {B: "550 no such user"}
        refused = channel.deliver(short(2))
    assert f"1 of 3 recipients do not have it yet: 127.0.0.1: 451 greylisted; refused: {B} (" in str(error)
    assert receipt.detail == f"sent to 1; refused before: {B}"
    assert [one.recipient for one in box.mails] == [A, C, A, C]
    assert refused.detail == f"sent to 2; refused: {B} (127.0.0.1: 550 no such user)"


def test_the_log_says_at_once_who_was_refused_without_the_whole_address(
    box: Mailbox, trusted: Path, opened: Callable[..., Email], capsys: pytest.CaptureFixture[str]
) -> None:
    box.rcpt, box.data = {A: "550 no such user"}, {B: "554 not wanted"}
    with mail_server(box, trusted) as port:
        assert opened(port, recipients=[A, B, C]).deliver(short()).detail.startswith("sent to 1; refused: ")
    said = capsys.readouterr().out
    assert said.count("recipient refused") == 2 and f"…@{A.partition('@')[2]}" in said
    assert A not in said and B not in said
    assert [one.recipient for one in box.mails] == [C]


def test_all_refused_is_refused(box: Mailbox, trusted: Path, opened: Callable[..., Email]) -> None:
    box.rcpt = {A: "550 no such user", B: "551 user not local"}
    with mail_server(box, trusted) as port, pytest.raises(PermanentError) as raised:
        opened(port, recipients=[A, B]).deliver(short())
    assert (raised.value.code, raised.value.status) == ("refused", 550)
    box.rcpt = {A: "550 no such user", B: "451 greylisted"}
    with mail_server(box, trusted) as port, pytest.raises(TransientError) as deferred:
        opened(port, recipients=[A, B]).deliver(short())
    assert deferred.value.code == "try-later"


def test_a_server_that_leaves_in_the_middle_keeps_the_rest_waiting(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    box.rcpt = {B: "421 closing"}
    with mail_server(box, trusted) as port:
        channel = opened(port, recipients=[A, B, C])
        (error,) = channel.deliver_all([short()])
        box.rcpt = {}
        channel.deliver(short(remote_id=remembered(error)))
    assert [one.recipient for one in box.mails] == [A, B, C]


def test_the_first_article_reaches_all_before_the_second_and_nobody_is_written_to_twice(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    box.rcpt = {C: "421 closing"}
    with mail_server(box, trusted) as port:
        channel = opened(port, recipients=[A, B, A])
        channel.deliver_all([short(), short(article="b")])
        assert [(one.recipient, one.message["Citewire-Article"]) for one in box.mails] == [
            (A, "spasms"),
            (B, "spasms"),
            (A, "b"),
            (B, "b"),
        ]
        outcomes = opened(port, recipients=[A, C, B]).deliver_all([short(2), short(2, article="b")])
    assert [type(one) for one in outcomes] == [TransientError] * 2
    assert [one.code for one in outcomes if isinstance(one, TransientError)] == ["recipients-waiting", "try-later"]


def test_a_digest_is_one_mail_to_each_and_resumes_with_what_each_lacks(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    box.rcpt = {B: "451 greylisted"}
    with mail_server(box, trusted) as port:
        channel = opened(port, recipients=[A, B], digest=True)
        assert isinstance(channel, BatchChannel)
        first = [short(title="One"), short(article="b", title="Two")]
        errors = channel.deliver_all(first)
        box.rcpt = {}
        resumed = [replace(one, remote_id=remembered(error)) for one, error in zip(first, errors, strict=True)]
        receipts = channel.deliver_all([*resumed, short(article="c", title="Three")])
    assert [type(one) for one in receipts] == [Receipt] * 3
    assert [(one.recipient, one.message["Subject"]) for one in box.mails] == [
        (A, "2 articles: One; Two"),
        (A, "Three"),
        (B, "3 articles: One; Two; Three"),
    ]


def test_what_is_no_html_is_refused_and_keeps_nothing_else_back(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    unfit = replace(
        short(article="b"), rendition=replace(short().rendition, format="ninjs", media_type="application/json")
    )
    with mail_server(box, trusted) as port:
        error, receipt = opened(port).deliver_all([unfit, short()])
    assert isinstance(error, PermanentError) and error.code == "format-unfit"
    assert isinstance(receipt, Receipt)


# --- the way there ------------------------------------------------------------------------------------------------


def test_it_logs_in_and_says_how_it_is_secured(box: Mailbox, trusted: Path, opened: Callable[..., Email]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAIL_PASSWORD", PASSWORD)
        patch.setenv("WRONG_PASSWORD", "guessed")
        with mail_server(box, trusted, login=True) as port:
            login = {"username": USER, "password": "env:MAIL_PASSWORD"}
            assert opened(port, **login).check().startswith("reached: 127.0.0.1, TLSv1.")
            assert opened(port, **login).deliver(short()).detail == "sent to 1"
            with pytest.raises(PermanentError) as raised:
                opened(port, username=USER, password="env:WRONG_PASSWORD").deliver(short())
            assert raised.value.code == "login-refused"
            assert "guessed" not in str(raised.value)
            with pytest.raises(PermanentError) as unknown:
                opened(port).deliver(short())
            assert unknown.value.status == 530


def test_tls_may_be_there_from_the_start(box: Mailbox, trusted: Path, opened: Callable[..., Email]) -> None:
    with mail_server(box, trusted, implicit=True) as port:
        assert opened(port, security="tls").deliver(short()).detail == "sent to 1"
    assert [one.recipient for one in box.mails] == [A]


def test_without_starttls_nothing_is_sent_unless_that_is_meant(
    box: Mailbox, trusted: Path, opened: Callable[..., Email]
) -> None:
    with mail_server(box, trusted, plain=True) as port:
        with pytest.raises(PermanentError) as raised:
            opened(port).deliver(short())
        assert raised.value.code == "tls-not-offered"
        assert not box.mails
        assert opened(port, security="none").deliver(short()).detail == "sent to 1"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    box: Mailbox, trusted: Path, opened: Callable[..., Email], security: str
) -> None:
    with mail_server(box, trusted, implicit=security == "tls") as port, pytest.raises(TransientError) as raised:
        opened(port, ca_file=None, security=security).deliver(short())
    assert raised.value.code == "tls-failed"
    assert not box.mails


def test_a_certificate_of_another_name_is_not_trusted(
    box: Mailbox, tmp_path: Path, opened: Callable[..., Email]
) -> None:
    other = certificate(tmp_path, name="elsewhere.example.org", address=None)
    with mail_server(box, other) as port, pytest.raises(TransientError) as raised:
        opened(port, ca_file=str(other)).deliver(short())
    assert raised.value.code == "tls-failed"


def test_a_server_that_speaks_no_tls_where_it_is_expected(opened: Callable[..., Email]) -> None:
    with BadServer() as bad:
        bad.manner = "garbage"
        with pytest.raises(TransientError) as raised:
            opened(bad.port, security="tls", total_timeout=1).deliver(short())
    assert raised.value.code in ("tls-failed", "timeout", "connection-failed")


def test_errors_say_nothing_of_secrets(box: Mailbox, trusted: Path, opened: Callable[..., Email]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAIL_PASSWORD", "hush" * 3)
        with mail_server(box, trusted, login=True) as port:
            channel = opened(port, username=USER, password="env:MAIL_PASSWORD")
            with pytest.raises(CitewireError) as raised:
                channel.deliver(short())
    assert "hush" not in f"{raised.value!r} {raised.value.__cause__!r} {vars(channel)}"
