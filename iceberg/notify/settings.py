"""What is set about messages: by option, else by environment variable, else in the file ``iceberg-notify.toml``."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from iceberg.environment import DEFAULTS
from iceberg.errors import NotifyError
from iceberg.locale import LANGUAGES
from iceberg.notify.conditions import Conditions, read_conditions
from iceberg.notify.targets import MailServer, Recipient, read_mail_server, read_target

FILE, TARGETS, WHEN, LANGUAGE = "ICEBERG_NOTIFY_FILE", "ICEBERG_NOTIFY", "ICEBERG_NOTIFY_WHEN", "ICEBERG_NOTIFY_LANG"
SERVER, SENDER, PASSWORD, PASSWORD_FILE = "ICEBERG_SMTP", "ICEBERG_SMTP_FROM", "ICEBERG_SMTP_PASSWORD", "ICEBERG_SMTP_PASSWORD_FILE"
ADDRESS = "ICEBERG_URL"  # the address of the dashboard, which every link begins with
_KEYS = {"": {"targets", "conditions", "language", "named", "smtp"}, "smtp": {"server", "from", "password_file"}}


@dataclass(frozen=True)
class Settings:
    """What is set about the messages of one run.

    Attributes:
        targets: Without one nothing is sent.
        conditions: When a message is due.
        language: Of the messages.
        mail: None where no target is a person.
        address: Of the dashboard.
    """

    targets: tuple[Recipient, ...]
    conditions: Conditions
    language: str
    mail: MailServer | None
    address: str


def read_settings(targets: Sequence[str], when: Sequence[str], language: str | None, *, usual_language: str) -> Settings | None:
    """What options, environment and file set together; None where no target is named.

    Args:
        targets: Of the option, as all three; empty where it is not given.
        when: The conditions.
        language: Of the messages.
        usual_language: Of the run, where nothing else is set.

    Raises:
        NotifyError: When a setting is wrong or missing; nothing has been published then.
    """
    file = _read_file()
    chosen = tuple(targets) or tuple(os.environ.get(TARGETS, "").split()) or tuple(file.get("targets", ()))
    if not chosen:
        return None
    named = dict(file.get("named", {}))
    found = tuple(dict.fromkeys(target for text in chosen for target in read_target(text, named)))
    of_environment = tuple(part.strip() for part in os.environ.get(WHEN, "").split(";") if part.strip())
    conditions = tuple(when) or of_environment or tuple(file.get("conditions", ()))
    spoken = language or os.environ.get(LANGUAGE) or file.get("language") or usual_language
    if spoken not in LANGUAGES:
        raise NotifyError("language_unknown", {"value": str(spoken)[:20], "languages": LANGUAGES})
    address = os.environ.get(ADDRESS, "").strip().rstrip("/")
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
        raise NotifyError("no_address", {"value": address})
    mail = _mail_server(file.get("smtp", {})) if any(target.kind == "mail" for target in found) else None
    return Settings(found, read_conditions(conditions), spoken, mail, address)


def _mail_server(section: dict[str, Any]) -> MailServer:
    address = os.environ.get(SERVER) or section.get("server", "")
    if not address:
        raise NotifyError("smtp_missing")
    password = os.environ.get(PASSWORD, "")
    file = os.environ.get(PASSWORD_FILE) or section.get("password_file", "")
    if not password and file:
        try:
            password = Path(file).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeError) as problem:
            raise NotifyError("smtp_password_file", {"file": file, "reason": getattr(problem, "strerror", None) or type(problem).__name__}) from None
    return read_mail_server(address, sender=os.environ.get(SENDER) or section.get("from", ""), password=password)


def _read_file() -> dict[str, Any]:
    """The file of settings; empty where there is none and none was asked for.

    Raises:
        NotifyError: ``file_unreadable`` or ``file_key``. No value of the file is repeated: it may be a secret.
    """
    asked = os.environ.get(FILE, "")
    path = Path(asked or DEFAULTS[FILE])
    if not asked and not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as problem:
        raise NotifyError("file_unreadable", {"file": str(path), "reason": getattr(problem, "strerror", None) or type(problem).__name__}) from None
    except tomllib.TOMLDecodeError as problem:
        place = str(problem).rpartition("(at ")[2].rstrip(")")
        raise NotifyError("file_unreadable", {"file": str(path), "reason": place}) from None
    sections = {"": document, "smtp": document.get("smtp", {})}
    for name, keys in _KEYS.items():
        if not isinstance(sections[name], dict) or (unknown := set(sections[name]) - keys):
            raise NotifyError("file_key", {"file": str(path), "key": name if not isinstance(sections[name], dict) else min(unknown)})
    texts = {"language": document.get("language", ""), **{f"smtp.{name}": value for name, value in sections["smtp"].items()}}
    lists = {name: document.get(name, []) for name in ("targets", "conditions")}
    lists["named"] = list(document["named"].values()) if isinstance(document.get("named"), dict) else [0] if "named" in document else []
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    wrong += [name for name, value in lists.items() if not isinstance(value, list) or not all(isinstance(one, str) for one in value)]
    if wrong:
        raise NotifyError("file_key", {"file": str(path), "key": wrong[0]})
    return document
