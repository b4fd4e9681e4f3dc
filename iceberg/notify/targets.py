"""Targets of a message: one mail address or one webhook, and the mail server that mail goes through. No address here ever holds a password."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from iceberg.errors import NotifyError

Channel = Literal["mail", "json", "slack", "teams"]
_WEBHOOKS: dict[str, Channel] = {"": "json", "slack+": "slack", "teams+": "teams"}
_MAIL_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Recipient:
    """Where one message goes.

    Attributes:
        kind: ``mail``, or what the body of a webhook looks like.
        address: Of a person, or the whole URL of a webhook, whose path is often a secret.
    """

    kind: Channel
    address: str = field(repr=False)

    @property
    def name(self) -> str:
        """The target as it may be printed and logged: of a webhook only its host."""
        return self.address if self.kind == "mail" else f"{'' if self.kind == 'json' else self.kind + '+'}{_origin(self.address)}"

    @property
    def digest(self) -> str:
        """Names the target in the audit trail."""
        return hashlib.sha256(f"{self.kind} {self.address}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class MailServer:
    """The server that takes mail.

    Attributes:
        host, port: Its address.
        user: "" where it asks for none.
        password: Never shown.
        tls: ``start`` (STARTTLS), ``whole`` (from the first byte) or ``none``.
        sender: The address that mail comes from.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Literal["start", "whole", "none"] = "start"
    sender: str = ""


def read_target(text: str, named: dict[str, str] | None = None) -> tuple[Recipient, ...]:
    """The targets of ``mailto:a@b,c@d``, of the URL of a webhook, or of a name of `named`; each person is a target.

    Raises:
        NotifyError: ``target_unclear``, ``target_password`` or ``target_in_the_clear``.
    """
    address = (named or {}).get(text, text).strip()
    if address.lower().startswith("mailto:"):
        people = [unquote(one).strip() for one in address[len("mailto:") :].split(",")]
        if not all(_MAIL_ADDRESS.fullmatch(person) for person in people):
            raise NotifyError("target_unclear", {"value": text})
        return tuple(Recipient("mail", person) for person in dict.fromkeys(people))
    found = re.fullmatch(r"(slack\+|teams\+)?(https?://\S+)", address)
    if found is None or not _host(found[2]):
        code = "target_unknown" if re.fullmatch(r"[\w.-]+", text) else "target_unclear"
        raise NotifyError(code, {"value": _shown(text), "known": ", ".join(named or ()) or "–"})
    if "@" in urlsplit(found[2]).netloc:
        raise NotifyError("target_password", {"value": _origin(found[2])})
    if found[2].startswith("http:") and not _is_loopback(_host(found[2])):
        raise NotifyError("target_in_the_clear", {"value": _origin(found[2])})
    return (Recipient(_WEBHOOKS[found[1] or ""], found[2]),)


def read_mail_server(address: str, *, sender: str, password: str) -> MailServer:
    """The server of ``smtp://user@host:587`` or ``smtps://user@host:465``; ``?tls=no`` sends in the clear, without a password.

    Raises:
        NotifyError: ``smtp_unclear``, ``smtp_password_in_address``, ``smtp_in_the_clear``, ``smtp_no_password`` or ``smtp_no_sender``.
    """
    try:
        parts, port = urlsplit(address), urlsplit(address).port
    except ValueError:
        raise NotifyError("smtp_unclear") from None
    options = parse_qs(parts.query)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or set(options) - {"tls"}:
        raise NotifyError("smtp_unclear")
    if parts.password is not None:
        raise NotifyError("smtp_password_in_address", {"host": parts.hostname})
    in_the_clear = options.get("tls", [""])[-1] in ("no", "none", "off")
    user = unquote(parts.username or "")
    if in_the_clear and (user or parts.scheme == "smtps") and not _is_loopback(parts.hostname):
        raise NotifyError("smtp_in_the_clear", {"host": parts.hostname})
    if user and not password:
        raise NotifyError("smtp_no_password", {"user": user, "host": parts.hostname})
    sender = sender or user
    if not _MAIL_ADDRESS.fullmatch(sender):
        raise NotifyError("smtp_no_sender", {"value": sender})
    tls: Literal["start", "whole", "none"] = "whole" if parts.scheme == "smtps" else "none" if in_the_clear else "start"
    return MailServer(parts.hostname, port or _PORTS[parts.scheme], user, password, tls, sender)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _shown(text: str) -> str:
    """What was typed, without what may be a secret."""
    return text if len(text) <= 40 and "@" not in text and "//" not in text else f"{text.partition(':')[0][:20]}:…"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
