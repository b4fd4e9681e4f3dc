"""The role of a request that no page sees: an upload, a download, a metric."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from iceberg.ui.access.access import Access, local_access, person_access, sign_in_configured

if TYPE_CHECKING:
    from starlette.types import Scope


def request_access(scope: Scope) -> Access:
    """The person of an HTTP request, as `iceberg.ui.access.access.current_access` has the one of a page.

    Raises:
        OptionError: ``roles_unreadable``.
    """
    if not sign_in_configured():
        client = scope.get("client")
        return local_access(client[0] if client else None)
    return person_access(cookie_user(scope))


def cookie_user(scope: Scope) -> dict[str, Any]:
    """What the provider said about the person, from the cookie that this server signed; empty without one."""
    cookies = HTTPConnection(scope).cookies

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(get_cookie_secret(), name, value.encode("latin-1", "replace"))

    try:
        content = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
        user = json.loads(content) if content else {}
    except ValueError:  # signed by this server and no JSON: nothing that it wrote
        return {}
    return user if isinstance(user, dict) else {}
