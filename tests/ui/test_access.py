"""Who has which role: nobody, unless a claim or the file of roles gives it."""

from pathlib import Path

import pytest

from iceberg.errors import OptionError
from iceberg.ui.access.access import ROLES, Access, RoleRules, least_role, read_rules

USUAL = RoleRules()


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ({}, None),
        ({"roles": []}, None),
        ({"roles": None, "groups": "iceberg-viewer"}, "viewer"),
        ({"roles": ["iceberg-analyst", "iceberg-viewer"]}, "analyst"),
        ({"groups": ["staff", "iceberg-owner"]}, "owner"),
        ({"roles": ["iceberg-admin", "ICEBERG-OWNER"]}, None),
        ({"groups": ["/staff", "/iceberg-owner"]}, "owner"),
        ({"groups": ["/staff/iceberg-owner", "//iceberg-owner"]}, None),
        ({"roles": {"iceberg-owner": True}}, None),
        ({"email": "iceberg-owner", "email_verified": True}, None),
    ],
)
def test_a_claim_gives_the_highest_role_it_names(user: dict[str, object], role: str | None) -> None:
    assert USUAL.role_of(user) == role


def rules(tmp_path: Path, text: str) -> RoleRules:
    (tmp_path / "roles.toml").write_text(text)
    return read_rules(tmp_path / "roles.toml")


def test_the_file_names_claims_values_and_people(tmp_path: Path) -> None:
    held = rules(
        tmp_path,
        'claims = ["realm_access.roles"]\nhours = 2\n[values]\nanalyst = ["cx-team"]\n'
        '[people]\nviewer = ["*@example.org"]\nowner = ["Olga@example.org"]\n',
    )
    assert held.hours == 2
    assert held.role_of({"realm_access": {"roles": ["cx-team"]}}) == "analyst"
    assert held.role_of({"roles": ["iceberg-owner"]}) is None, "what the file replaces no longer counts"
    assert held.role_of({"email": "Vera@Example.org", "email_verified": True}) == "viewer"
    assert held.role_of({"email": "olga@example.org", "email_verified": True}) == "owner"
    assert held.role_of({"email": "olga@example.org.evil.com", "email_verified": True}) is None


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_the_provider_did_not_verify_is_nobody(tmp_path: Path, verified: object) -> None:
    held = rules(tmp_path, '[people]\nowner = ["*"]\n')
    assert held.role_of({"email": "olga@example.org", "email_verified": verified}) is None
    assert held.role_of({"email": "olga@example.org"}) is None
    assert held.role_of({"email": "", "email_verified": True}) is None


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        '[people]\nadmin = ["a@b.c"]\n',
        '[people]\nowner = "a@b.c"\n',
        "roles = 1\n",
        "[values]\nowner = [1]\n",
        *(f"hours = {hours}\n" for hours in ("'long'", "-1", "0", "nan", "inf")),
    ],
)
def test_a_file_that_cannot_be_understood_gives_nobody_a_role(tmp_path: Path, text: str) -> None:
    with pytest.raises(OptionError) as caught:
        rules(tmp_path, text)
    assert caught.value.code == "roles_unreadable"
    assert "Nobody has a role" in caught.value.message("en")


def test_each_role_may_what_those_before_it_may() -> None:
    assert [[Access(role, "x").may(wanted) for wanted in ROLES] for role in (None, *ROLES)] == [
        [False, False, False],
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_a_page_that_nobody_thought_of_is_for_owners() -> None:
    assert least_role("something-new") == "owner"
