"""Signing in and out, and the way back to the link that a visitor came for."""

from __future__ import annotations

import streamlit as st

from iceberg.locale import Translator
from iceberg.ui.access.access import Access
from iceberg.ui.plain_text import plain

# A provider sends people back to the first page; the browser stores, for this tab alone, the link they came for.
_STORE_LINK = """
export default function () {
  const link = location.pathname + location.search;
  if (location.search) sessionStorage.setItem("iceberg.link", link);
}
"""
_FOLLOW_LINK = """
export default function () {
  const link = sessionStorage.getItem("iceberg.link");
  sessionStorage.removeItem("iceberg.link");
  if (link && link.startsWith("/") && !link.startsWith("//") && link !== location.pathname + location.search) location.replace(link);
}
"""


def show_sign_in(access: Access, words: Translator) -> None:
    """Draw the page for a visitor who is not signed in, has no role, or uses another machine. It holds nothing of any study."""
    st.title(words.text("ui.frame.product"), anchor=False)
    if access.is_local:
        title = words.text("ui.access.other_machine_title")
        st.error(plain(words.text("ui.access.other_machine", address=access.name)), icon=":material/lock:", title=title)
        return
    if access.is_signed_in:
        st.error(plain(words.text("ui.access.no_role", name=access.name)), icon=":material/lock:", title=words.text("ui.access.refused_title"))
        st.button(words.text("ui.access.sign_out"), on_click=st.logout, icon=":material/logout:", key="sign_out")
        return
    st.markdown(words.text("ui.access.sign_in_lead"))
    if st.button(words.text("ui.access.sign_in"), type="primary", icon=":material/login:", key="sign_in"):
        st.login()
    st.components.v2.component("iceberg_keep_link", js=_STORE_LINK)(key="iceberg_keep_link")


def show_person(access: Access, words: Translator) -> None:
    """Draw the reader's name and role; on a local tool, that it is one."""
    if access.is_local:
        st.caption(words.text("ui.access.local"))
        return
    st.caption(plain(words.text("ui.access.person", name=access.name, role=words.text(f"ui.access.role_{access.role}"))))
    st.button(words.text("ui.access.sign_out"), on_click=st.logout, icon=":material/logout:", type="tertiary", key="sign_out")
    st.components.v2.component("iceberg_follow_link", js=_FOLLOW_LINK)(key="iceberg_follow_link")
