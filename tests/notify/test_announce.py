"""Messages about a published version: what they say, when they are due, that none goes twice, and what happens where one cannot be sent."""

import json
import re
import smtplib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from iceberg.errors import NotifyError
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.notify import announce as announcing
from iceberg.notify import mail, webhook
from iceberg.notify.announce import announce, check_limits
from iceberg.notify.conditions import read_conditions
from iceberg.notify.settings import Settings, read_settings
from iceberg.notify.targets import MailServer, Recipient, read_target
from iceberg.report.export import build_document
from iceberg.store import audit
from iceberg.store.audit import read_audit
from iceberg.store.studies import Published, Store
from tests.model.build import linked_counts
from tests.notify.servers import PASSWORD, USER, mail_server
from tests.notify.servers import webhook as local_webhook
from tests.store.conftest import FEW_DRAWS, make_publication, small_estimate

TARGET = Recipient("json", "https://hook.example.org/SECRET")


def settings(*targets: Recipient, when: tuple[str, ...] = (), language: str = "en", server: MailServer | None = None) -> Settings:
    return Settings(targets or (TARGET,), read_conditions(when), language, server, "https://iceberg.example.org")


def outcomes(store: Store, published: Published, chosen: Settings) -> list[str]:
    return [one.code for one in announce(store, published.study_id, published.number, chosen, actor="ana")]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What would have gone to webhooks."""
    bodies: list[dict[str, object]] = []
    monkeypatch.setattr(announcing, "send_webhook", lambda digest, target, *, key: bodies.append(webhook.build_body(digest, target, key=key)))
    return bodies


def test_a_version_is_announced_once_to_each_target(store: Store, sent: list[dict[str, object]]) -> None:
    """Also by a later run, and a target that is added later is told of the version that is there."""
    published = store.publish(make_publication())
    other = Recipient("json", "https://other.example.org/")
    assert outcomes(store, published, settings()) == ["sent"]
    assert outcomes(store, published, settings()) == ["already"]
    assert outcomes(store, published, settings(TARGET, other)) == ["already", "sent"]
    assert len(sent) == 2
    lines = [line for line in read_audit(store.engine) if line.action == "announced"]
    assert {line.version for line in lines} == {1}
    assert "SECRET" not in json.dumps([line.detail for line in lines])


def test_the_message_holds_headline_link_and_what_changed(store: Store, sent: list[dict[str, object]]) -> None:
    store.publish(make_publication())
    later = store.publish(make_publication(months_later=60))
    assert outcomes(store, later, settings()) == ["sent"]
    (body,) = sent
    assert body["compared_with"] == 1
    assert "270" in str(body["headline"])
    assert body["link"] == f"https://iceberg.example.org/?study={later.study_id}&lang=en"
    assert "since version 1 of" in str(body["text"])
    assert all(set(row) >= {"verdict", "rate_before", "rate_after", "basis"} for row in body["changes"])  # type: ignore[attr-defined]
    assert {row["verdict"] for row in body["changes"]} <= {"fell", "rose"}  # type: ignore[attr-defined]


def test_a_change_is_due_only_beyond_noise(store: Store, sent: list[dict[str, object]]) -> None:
    """The first version always is; a change is one since the version that the target knows."""
    first = store.publish(make_publication())
    assert outcomes(store, first, settings(when=("change",))) == ["sent"]
    same = store.publish(make_publication(sha256="c" * 64))  # another file with the same counts
    assert outcomes(store, same, settings(when=("change",))) == ["not_due"]
    doubled = store.publish(make_publication(months_later=200))
    due = outcomes(store, doubled, settings(when=("change",)))
    assert due == (["sent"] if sent[-1]["changes"] else ["not_due"])
    if due == ["sent"]:
        assert sent[-1]["compared_with"] == 1


def test_a_limit_is_announced_when_it_is_crossed_and_not_again(store: Store, sent: list[dict[str, object]]) -> None:
    entry = store.entry(store.publish(make_publication()).study_id)
    per_month = announcing.churn_per_month(entry, "billing")
    assert per_month is not None
    above = (f"above:billing={per_month['median'] * 0.9:.4f}",)
    assert outcomes(store, Published(entry.study_id, 1, is_new=True), settings(when=above)) == ["sent"]
    assert sent[-1]["crossed"][0]["category"] == "billing"  # type: ignore[index]
    assert "a limit is crossed" in str(sent[-1]["subject"])
    again = store.publish(make_publication(sha256="c" * 64))
    assert outcomes(store, again, settings(when=above)) == ["not_due"], "it was known"
    stranger = Recipient("json", "https://stranger.example.org/")
    assert outcomes(store, again, settings(stranger, when=above)) == ["sent"], "this one never was told of it"
    assert outcomes(store, again, settings(when=(f"above:billing={per_month['upper'] * 2:.4f}",))) == ["not_due"]
    assert outcomes(store, again, settings(when=(f"surely-above:billing={per_month['median']:.4f}",))) == ["not_due"]
    assert outcomes(store, again, settings(when=(f"below:billing={per_month['lower'] / 2 :.4f}",))) == ["not_due"]


def refuse(*_: object, **__: object) -> None:
    raise NotifyError("webhook_refused", {"target": "x", "code": "500"})


@pytest.mark.parametrize("failed_version", [False, True])
def test_a_limit_whose_message_failed_is_announced_with_the_next_version(
    store: Store, sent: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch, failed_version: bool
) -> None:
    published = store.publish(make_publication())
    if failed_version:
        monkeypatch.setattr(announcing, "_send", refuse)
        assert outcomes(store, published, settings(when=("above=0.01",))) == ["failed"]
        monkeypatch.undo()
        monkeypatch.setattr(announcing, "send_webhook", lambda digest, target, *, key: sent.append(digest.document))
    else:
        assert outcomes(store, published, settings(when=("above=0.01",))) == ["sent"]
    later = store.publish(make_publication(sha256="d" * 64))
    assert outcomes(store, later, settings(when=("above=0.01",))) == (["sent"] if failed_version else ["not_due"])


def test_a_failed_message_can_be_sent_again_and_the_version_stays(store: Store) -> None:
    published = store.publish(make_publication())
    with local_webhook() as hook:
        chosen = settings(Recipient("json", hook.url))
        hook.status = 503
        (failed,) = announce(store, published.study_id, 1, chosen, actor="ana")
        assert failed.code == "failed"
        assert failed.problem is not None
        assert "code 503" in failed.problem.message()
        assert "SECRET" not in failed.problem.message() + failed.target.name + repr(failed)
        hook.status = 204
        assert outcomes(store, published, chosen) == ["sent"]
    assert [line.action for line in read_audit(store.engine)][:4] == ["announced", "announcing", "unannounced", "announcing"]
    assert hook.headers[0]["Idempotency-Key"] == hook.headers[1]["Idempotency-Key"] == hook.bodies[0]["id"]
    assert store.entry(published.study_id).number == 1


def test_of_two_runs_one_sends(store: Store, sent: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The other sees that it is being sent; what a killed run left is sent after ten minutes."""
    published = store.publish(make_publication())
    claim = audit.Announcement(published.study_id, 1, TARGET.digest, "ben")
    assert audit.claim_announcement(store.engine, claim) is None
    assert outcomes(store, published, settings()) == ["busy"]
    monkeypatch.setattr(audit, "_SENDING", timedelta(0))
    assert outcomes(store, published, settings()) == ["sent"]


def test_a_signal_in_the_middle_leaves_the_message_to_be_sent_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, object]]
) -> None:
    published = store.publish(make_publication())

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(announcing, "_send", interrupted)
        announce(store, published.study_id, 1, settings(), actor="ana")
    assert outcomes(store, published, settings()) == ["sent"]


def test_only_the_newest_version_is_announced(store: Store, sent: list[dict[str, object]]) -> None:
    first = store.publish(make_publication())
    store.publish(make_publication(months_later=1))
    assert outcomes(store, first, settings()) == ["not_newest"]
    assert sent == []


def test_counts_are_left_out_where_two_messages_would_single_somebody_out(store: Store, sent: list[dict[str, object]]) -> None:
    """Versions that differ by one to four customers: the second message has ranges alone, and no warning that names a count."""
    first = store.publish(make_publication())
    assert outcomes(store, first, settings()) == ["sent"]
    fewer = linked_counts({"billing": 119, "delivery": 90, "price": 60}, silent_leavers=600)
    estimate = estimate_iceberg(fewer, assumptions=Assumptions(draws=FEW_DRAWS))
    second = store.publish(replace(make_publication(), counts=fewer, estimate=estimate, summary=build_document(estimate, fewer, rows={})))
    assert outcomes(store, second, settings()) == ["sent"]
    assert "270" in str(sent[0]["text"])
    assert "269" not in json.dumps(sent[1])
    assert "270" not in json.dumps(sent[1])
    assert re.match(r"[\d,]+ to [\d,]+ customers left without a word", str(sent[1]["headline"]))


def test_the_message_is_in_its_language(store: Store, sent: list[dict[str, object]]) -> None:
    published = store.publish(make_publication(title="Comité"))
    assert outcomes(store, published, settings(language="fr")) == ["sent"]
    assert "270" in str(sent[0]["text"])
    assert "la première version" in str(sent[0]["text"])
    assert str(sent[0]["link"]).endswith("&lang=fr")
    assert sent[0]["subject"] == "Comité\N{NO-BREAK SPACE}: une nouvelle version"


def test_mail_goes_encrypted_and_signed_in_to_each_person(store: Store, trusted: Path) -> None:
    published = store.publish(make_publication(title="Late <b>\r\nBcc: eve@example.org"))
    with mail_server(trusted, sign_in=True) as box:
        server = MailServer("127.0.0.1", box.port, USER, PASSWORD, "start", USER)
        assert outcomes(store, published, settings(*read_target("mailto:anne@example.org,ben@example.org"), server=server)) == ["sent", "sent"]
    assert box.encrypted == [True, True]
    assert set(box.logins) == {USER}
    assert [one.rcpt_tos for one in box.envelopes] == [["anne@example.org"], ["ben@example.org"]]
    message = box.messages[0]
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "270" in text
    assert f"https://iceberg.example.org/?study={published.study_id}&lang=en" in text.replace("=\n", "")
    assert message["Message-ID"] != box.messages[1]["Message-ID"]


def test_mail_over_tls_from_the_first_byte(store: Store, trusted: Path) -> None:
    published = store.publish(make_publication())
    with mail_server(trusted, whole=True) as box:
        server = MailServer("127.0.0.1", box.port, "", "", "whole", USER)
        assert outcomes(store, published, settings(Recipient("mail", "anne@example.org"), server=server)) == ["sent"]
    assert box.encrypted == [True]


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("stranger", "smtp_not_trusted"),
        ("wrong", "smtp_login"),
        ("plain", "smtp_no_tls"),
        ("nobody", "smtp_unreachable"),
        ("refused", "smtp_refused"),
    ],
)
def test_mail_that_cannot_be_sent_says_why_without_the_password(
    store: Store, certificate: Path, monkeypatch: pytest.MonkeyPatch, case: str, code: str
) -> None:
    published = store.publish(make_publication())
    if case != "stranger":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(None if case == "plain" else certificate, sign_in=case == "wrong") as box:
        if case == "refused":
            box.refuse = "554 no"
        port = 1 if case == "nobody" else box.port
        server = MailServer("127.0.0.1", port, USER if case == "wrong" else "", "wrong-secret" if case == "wrong" else "", "start", USER)
        (outcome,) = announce(store, published.study_id, 1, settings(Recipient("mail", "anne@example.org"), server=server), actor="ana")
    assert outcome.code == "failed"
    assert outcome.problem is not None
    assert outcome.problem.code == code
    assert "wrong-secret" not in outcome.problem.message() + repr(outcome) + repr(server)
    assert box.envelopes == []


def test_a_server_that_never_answers_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(mail, "SECONDS", 0.2)
    monkeypatch.setattr(webhook, "SECONDS", 0.2)
    published = store.publish(make_publication())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        chosen = settings(
            Recipient("mail", "anne@example.org"), Recipient("json", f"http://127.0.0.1:{port}/"), server=MailServer("127.0.0.1", port, sender=USER)
        )
        found = announce(store, published.study_id, 1, chosen, actor="ana")
    assert [one.problem and one.problem.code for one in found] == ["smtp_unreachable", "webhook_unreachable"]


def test_a_webhook_that_redirects_is_not_followed(store: Store) -> None:
    published = store.publish(make_publication())
    with local_webhook() as elsewhere, local_webhook() as hook:
        hook.status, hook.location = 307, elsewhere.url
        (outcome,) = announce(store, published.study_id, 1, settings(Recipient("json", hook.url)), actor="ana")
    assert outcome.problem is not None
    assert outcome.problem.code == "webhook_moved"
    assert elsewhere.bodies == []


def test_a_webhook_proves_its_name(store: Store, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = store.publish(make_publication())
    with local_webhook(certificate) as hook:
        (outcome,) = announce(store, published.study_id, 1, settings(Recipient("slack", hook.url)), actor="ana")
        assert outcome.problem is not None
        assert outcome.problem.code == "webhook_not_trusted"
        assert hook.bodies == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert outcomes(store, published, settings(Recipient("slack", hook.url))) == ["sent"]
    assert "270" in hook.bodies[0]["text"]


def test_no_name_is_markup_in_a_chat(store: Store, sent: list[dict[str, object]]) -> None:
    hostile = "<!channel> <https://evil.example|here> **x** [y](https://evil.example) & co"
    published = store.publish(make_publication(title=hostile))
    slack, teams = Recipient("slack", "https://s.example.org/"), Recipient("teams", "https://t.example.org/")
    assert outcomes(store, published, settings(slack, teams)) == ["sent", "sent"]
    text = str(sent[0]["text"])
    assert set(re.findall(r"<[^>]*>", text)) == {f"<https://iceberg.example.org/?study={published.study_id}&amp;lang=en>"}
    card = sent[1]["attachments"][0]["content"]  # type: ignore[index]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert [action["url"] for action in card["actions"]] == [f"https://iceberg.example.org/?study={published.study_id}&lang=en"]


def test_a_limit_is_on_what_there_is() -> None:
    counts, _ = small_estimate()
    check_limits(settings(when=("above:billing=1",)), counts, ())
    with pytest.raises(NotifyError, match="no category"):
        check_limits(settings(when=("above:biling=1",)), counts, ())


@pytest.mark.parametrize("text", ["never", "above", "above:=3", "above:x", "above:x=-1", "above:x=nan", "surely:x=3", "above:x=1e400"])
def test_a_condition_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(NotifyError, match="no condition"):
        read_conditions([text])


def test_conditions_are_read() -> None:
    found = read_conditions(["change", "above:billing = late=50", "surely-below=2.5"])
    assert not found.always
    assert found.change
    assert [(one.side, one.category, one.per_month, one.surely) for one in found.limits] == [
        ("above", "billing = late", 50.0, False),
        ("below", None, 2.5, True),
    ]
    assert read_conditions([]).always


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("team", "target_unknown"),
        ("mailto:", "target_unclear"),
        ("mailto:a@b.org,c", "target_unclear"),
        ("mailto:a@b.org\nBcc: c@d.org", "target_unclear"),
        ("http://hooks.example.org/x", "target_in_the_clear"),
        ("https://me:secret@hooks.example.org/x", "target_password"),
        ("ftp://hooks.example.org/x", "target_unclear"),
        ("file:///etc/passwd", "target_unclear"),
        ("slack+https://", "target_unclear"),
    ],
)
def test_a_target_that_is_none_is_refused_without_what_may_be_secret(text: str, code: str) -> None:
    with pytest.raises(NotifyError) as refused:
        read_target(text)
    assert refused.value.code == code
    assert "secret" not in refused.value.message()
    assert "/x" not in refused.value.message()


def test_options_go_before_variables_and_these_before_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings((), (), None, usual_language="fr") is None
    (folder / "secret").write_text("from file\n")
    (folder / "iceberg-notify.toml").write_text(
        'targets = ["team"]\nconditions = ["change"]\nlanguage = "fr"\n'
        '[named]\nteam = "slack+https://hooks.example.org/T/SECRET"\nboard = "mailto:anne@example.org"\n'
        '[smtp]\nserver = "smtp://iceberg%40example.org@mail.example.org"\npassword_file = "secret"\n'
    )
    of_file = read_settings((), (), None, usual_language="en")
    assert of_file is not None
    assert (of_file.targets[0].name, of_file.language, of_file.conditions.change) == ("slack+https://hooks.example.org", "fr", True)
    assert of_file.mail is None
    monkeypatch.setenv("ICEBERG_NOTIFY", "board team")
    monkeypatch.setenv("ICEBERG_NOTIFY_WHEN", "above:waiting time=5; below=2")
    of_environment = read_settings((), (), None, usual_language="en")
    assert of_environment is not None
    assert [one.kind for one in of_environment.targets] == ["mail", "slack"]
    assert of_environment.mail == MailServer("mail.example.org", 587, USER, "from file", "start", USER)
    assert [one.category for one in of_environment.conditions.limits] == ["waiting time", None]
    monkeypatch.setenv("ICEBERG_SMTP_PASSWORD", "from environment")
    of_options = read_settings(("mailto:b@example.org",), ("always",), "en", usual_language="fr")
    assert of_options is not None
    assert (of_options.targets, of_options.language, of_options.conditions.always) == ((Recipient("mail", "b@example.org"),), "en", True)
    assert of_options.mail is not None
    assert of_options.mail.password == "from environment"
    assert "from environment" not in repr(of_options)


@pytest.mark.parametrize(
    ("server", "code"),
    [
        ("", "smtp_missing"),
        ("mail.example.org", "smtp_unclear"),
        ("smtp://a:secret@mail.example.org", "smtp_password_in_address"),
        ("smtp://a@mail.example.org", "smtp_no_password"),
        ("smtp://a@mail.example.org?tls=no", "smtp_in_the_clear"),
        ("smtp://mail.example.org?tls=no", "smtp_no_sender"),
        ("smtp://mail.example.org:port", "smtp_unclear"),
    ],
)
def test_a_mail_server_that_is_set_up_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch, server: str, code: str) -> None:
    monkeypatch.setenv("ICEBERG_SMTP", server)
    with pytest.raises(NotifyError) as refused:
        read_settings(("mailto:a@example.org",), (), None, usual_language="en")
    assert refused.value.code == code
    assert "secret" not in refused.value.message()


@pytest.mark.parametrize(
    "content",
    ["targets = 3", "target = []", 'named = ["x"]', "[smtp]\npassword = 'secret'", "smtp = 'secret'", "secret", "[named]\nx = 1"],
)
def test_a_file_of_settings_that_is_wrong_is_refused_without_its_values(folder: Path, content: str) -> None:
    (folder / "iceberg-notify.toml").write_text(content)
    with pytest.raises(NotifyError) as refused:
        read_settings((), (), None, usual_language="en")
    assert refused.value.code in {"file_key", "file_unreadable"}
    assert "secret" not in refused.value.message()


def test_a_message_needs_the_address_of_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_URL", "analytics.example.org")
    with pytest.raises(NotifyError, match="ICEBERG_URL"):
        read_settings(("https://h.example.org/x",), (), None, usual_language="en")


def test_nothing_of_mail_is_printed(store: Store, trusted: Path, capfd: pytest.CaptureFixture[str]) -> None:
    published = store.publish(make_publication())
    assert smtplib.SMTP.debuglevel == 0
    with mail_server(trusted, sign_in=True) as box:
        server = MailServer("127.0.0.1", box.port, USER, PASSWORD, sender=USER)
        assert outcomes(store, published, settings(Recipient("mail", "anne@example.org"), server=server)) == ["sent"]
    said = capfd.readouterr()
    assert PASSWORD not in said.out + said.err
