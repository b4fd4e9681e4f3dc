"""The role of the reader, none by default; the navigation checks it, and every page checks it again.

Without ``[auth]`` in Streamlit's secrets the product is a local tool of one person and refuses other machines. With it, people sign in through
OpenID Connect and have the role that a claim of their provider or the file of roles gives them.
"""

from __future__ import annotations

import getpass
import logging
import math
import os
import time
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from iceberg.errors import IcebergError, OptionError
from iceberg.locale import Translator
from iceberg.ui.access.reach import is_open_to_all, is_this_machine
from iceberg.ui.access.sign_out import is_signed_out
from iceberg.ui.counters import count
from iceberg.ui.plain_text import plain

Role = Literal["viewer", "analyst", "owner"]
ROLES: tuple[Role, ...] = ("viewer", "analyst", "owner")  # each may do what those before it may
ROLES_FILE = "ICEBERG_ROLES"
DEFAULT_FILE = Path(".streamlit/roles.toml")
DEFAULT_CLAIMS = ("roles", "groups")
DEFAULT_HOURS = 12.0  # judgement: one working day; a role taken away at the provider ends here at the next sign-in
CLOCK_SECONDS = 600.0  # judgement: how far the clock of a provider may be ahead; a sign-in of tomorrow would never age
REFUSAL_SECONDS = 3600.0  # judgement: a line an hour says as much as one a second
MOST_REFUSALS = 1000  # people and pages remembered; each is a line of the audit trail at most once an hour
_REFUSED: dict[tuple[str, str], float] = {}
LEAST_ROLE: dict[str, Role] = {
    "iceberg": "viewer",
    "category": "viewer",
    "decide": "viewer",
    "studies": "viewer",
    "method": "viewer",
    "compare": "analyst",
    "survival": "analyst",
    "upload": "analyst",
}


@dataclass(frozen=True)
class Access:
    """The person on the page.

    Attributes:
        role: None where nobody is signed in, or the person has none.
        name: For the audit trail: the e-mail address or subject of the provider, or the user of this machine.
        is_local: Whether no sign-in is configured: this machine may do everything, other machines nothing.
        is_signed_in: Whether the provider vouched for them.
    """

    role: Role | None
    name: str
    is_local: bool = False
    is_signed_in: bool = True

    def may(self, role: Role) -> bool:
        """Whether this person has `role` or one above it."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(role)

    @property
    def sees_everything(self) -> bool:
        """Whether counts of fewer than five customers are shown."""
        return self.may("analyst")


NOBODY = Access(None, "", is_signed_in=False)


@dataclass(frozen=True)
class RoleRules:
    """Who has which role.

    Attributes:
        claims: Names of the claims that hold a person's roles or groups.
        values: By role, the values of these claims that give it.
        people: By role, e-mail addresses (with * for any part), which the provider must have verified.
        hours: Hours after which a person signs in again.
    """

    claims: tuple[str, ...] = DEFAULT_CLAIMS
    values: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {role: (f"iceberg-{role}",) for role in ROLES})
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hours: float = DEFAULT_HOURS

    def role_of(self, user: Mapping[str, Any]) -> Role | None:
        """The highest role that the claims or the list of people give; None where neither does."""
        claimed = {str(value) for name in self.claims for value in _as_list(_claim(user, name))}
        claimed |= {value.removeprefix("/") for value in claimed}  # Keycloak writes a group as its path
        email = str(user.get("email") or "").strip().lower() if user.get("email_verified") is True else ""
        for role in reversed(ROLES):
            named = any(fnmatchcase(email, pattern.lower()) for pattern in self.people.get(role, ())) if email else False
            if named or claimed & set(self.values.get(role, ())):
                return role
        return None


def _claim(user: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401  # whatever the provider sent
    """A claim by its name, or by its path: ``realm_access.roles``."""
    if name in user:
        return user[name]
    value: Any = user
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _as_list(value: Any) -> Iterable[Any]:  # noqa: ANN401  # as above
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else [value]


def read_rules(path: Path) -> RoleRules:
    """The rules of a file of roles.

    Raises:
        OptionError: ``roles_unreadable``: a file of roles that cannot be read; then no one has a role.
    """
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        unknown = (set(text) - {"claims", "values", "people", "hours"}) | ((set(text.get("values", {})) | set(text.get("people", {}))) - set(ROLES))
        if unknown:
            raise ValueError(", ".join(sorted(unknown)))
        usual = RoleRules()
        return RoleRules(
            claims=tuple(_texts(text["claims"])) if "claims" in text else usual.claims,
            values={role: tuple(_texts(values)) for role, values in text["values"].items()} if "values" in text else usual.values,
            people={role: tuple(_texts(people)) for role, people in text.get("people", {}).items()},
            hours=_hours(text.get("hours", DEFAULT_HOURS)),
        )
    except (OSError, UnicodeDecodeError, ValueError, TypeError, AttributeError) as problem:
        raise OptionError("roles_unreadable", {"file": str(path), "reason": str(problem)[:200]}) from problem


def _hours(value: Any) -> float:  # noqa: ANN401  # whatever the file holds
    hours = float(value)
    if not 0 < hours < math.inf:
        raise ValueError(f"hours = {hours:g} would sign everybody out at once or never")
    return hours


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{value!r} is not a list of texts")
    return [str(item) for item in value]


def role_rules() -> RoleRules:
    """The rules of this server: those of its file of roles, else the usual ones.

    Raises:
        OptionError: ``roles_unreadable``.
    """
    named = os.environ.get(ROLES_FILE)
    path = Path(named) if named else DEFAULT_FILE
    if not named and not path.is_file():
        return RoleRules()
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _rules(path, stamp)


@cache
def _rules(path: Path, _stamp: int) -> RoleRules:
    return read_rules(path)


def sign_in_configured() -> bool:
    """Whether people sign in here. Secrets that cannot be read count as yes: what should be closed stays closed."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:  # Streamlit raises it for secrets that are missing, and for those it cannot parse
        return any(Path(place).is_file() for place in st.config.get_option("secrets.files"))


def current_access() -> Access:
    """The person on the page of this run; without sign-in, a visitor of another machine has no role unless the server is open to all.

    Raises:
        OptionError: ``roles_unreadable``.
    """
    return person_access(st.user.to_dict()) if sign_in_configured() else local_access(st.context.ip_address)


def local_access(visitor: object) -> Access:
    """The role of a visitor where sign-in is off, by IP address; without an address the visitor is on this machine, or the page has no server."""
    if isinstance(visitor, str) and not is_this_machine(visitor) and not is_open_to_all():
        return Access(None, visitor, is_local=True, is_signed_in=False)
    return Access("owner", _machine_user(), is_local=True)


def person_access(user: Mapping[str, Any]) -> Access:
    """The role of a person, by what the provider said about them.

    Raises:
        OptionError: ``roles_unreadable``.
    """
    rules = role_rules()
    if not user.get("is_logged_in") or not _is_fresh(user, rules) or is_signed_out(user):
        return NOBODY
    return Access(rules.role_of(user), str(user.get("email") or user.get("sub") or user.get("name") or "?"))


def _is_fresh(user: Mapping[str, Any], rules: RoleRules) -> bool:
    """Whether a person signed in recently: Streamlit's cookie lasts for weeks, a role does not."""
    try:
        return -CLOCK_SECONDS < time.time() - float(user["iat"]) < rules.hours * 3600
    except (KeyError, TypeError, ValueError):
        return False


def _machine_user() -> str:
    with suppress(OSError, KeyError, ImportError):  # a container without a user database
        return getpass.getuser()
    return "local"


def least_role(page: str) -> Role:
    """The least role that may open a page; a page without an entry is for owners."""
    return LEAST_ROLE.get(page, "owner")


def require(page: str) -> Access:
    """The person on `page`; the run ends here where the role is not enough.

    A refusal is shown and written to the audit trail.
    """
    access = current_access()
    if access.may(least_role(page)):
        return access
    show_refusal(page, access)
    st.stop()
    return access  # never reached: the line above ends the run


def show_refusal(page: str, access: Access) -> None:
    """Show why this page is not for this person, and who can change that."""
    from iceberg.ui.language import browser_language

    words = Translator(browser_language())
    wanted = words.text(f"ui.access.role_{least_role(page)}")
    title = words.text(f"ui.{page}.title")
    st.error(plain(words.text("ui.access.refused", page=title, role=wanted)), icon=":material/lock:", title=words.text("ui.access.refused_title"))
    _write_refusal(page, access)


def _write_refusal(page: str, access: Access) -> None:
    from iceberg.store.audit import write_audit
    from iceberg.ui.study_store import open_store

    count("iceberg_refusals_total", 'what="page"')
    now, key = time.monotonic(), (access.name, page)
    if now - _REFUSED.get(key, -REFUSAL_SECONDS) < REFUSAL_SECONDS:  # once an hour, not once a run or a visit
        return
    if len(_REFUSED) >= MOST_REFUSALS:
        _REFUSED.clear()
    _REFUSED[key] = now
    try:
        write_audit(open_store().engine, actor=access.name, action="refused", page=page)
    except IcebergError as problem:
        logging.getLogger(__name__).warning("a refusal is not in the audit trail: %s", problem)
