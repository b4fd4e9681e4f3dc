"""The page that Streamlit runs: setup and navigation; everything else is in `iceberg.ui`."""

from functools import partial

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx

from iceberg.errors import StoreError
from iceberg.installation import PACKAGE
from iceberg.locale import Translator
from iceberg.ui.access.access import Access, current_access, least_role, show_refusal
from iceberg.ui.access.sign_in import show_sign_in
from iceberg.ui.frame import HOME_PAGE, errors_in_words, open_frame, page_file, sidebar_around
from iceberg.ui.language import browser_language
from iceberg.ui.sections.missing import show_broken_link, show_missing_page
from iceberg.ui.serving.addresses import MISSING, KnownAddresses
from iceberg.ui.serving.protection import ProtectedApp
from iceberg.ui.serving.routes import own_routes
from iceberg.ui.serving.server import check_start, prepared, say_fault
from iceberg.ui.serving.static_files import CompressedFiles
from iceberg.ui.session.published_study import LEADS_NOWHERE

ICON = PACKAGE / "ui" / "iceberg.svg"  # a Material icon would be fetched from the network
PAGES = {  # file and address -> Material icon
    "iceberg": "sailing",
    "studies": "folder_shared",
    "category": "search_insights",
    "decide": "balance",
    "method": "function",
    "compare": "compare_arrows",
    "survival": "timeline",
    "upload": "upload_file",
}


def _page(name: str, icon: str, access: Access, words: Translator) -> st.Page:
    """A page of the menu; a page that is not for this role is hidden, and its address shows a refusal."""
    allowed = access.may(least_role(name))
    return st.Page(
        page_file(name) if allowed else partial(show_refusal, name, access),
        title=words.text(f"ui.{name}.title"),
        icon=f":material/{icon}:",
        help=words.text(f"ui.{name}.help"),
        url_path=name,
        default=name == HOME_PAGE,
        visibility="visible" if allowed else "hidden",
    )


def _menu(access: Access, words: Translator) -> tuple[list[st.Page], st.Page]:
    """The pages, a viewer's first, and the page of addresses that no page has. A viewer's menu holds what is a viewer's."""
    missing = st.Page(partial(show_missing_page, words), title=words.text("guide.missing_title"), url_path=MISSING, visibility="hidden")
    pages = {name: _page(name, icon, access, words) for name, icon in PAGES.items()}
    for_all = [page for name, page in pages.items() if least_role(name) == "viewer"]
    others = [page for page in pages.values() if page not in for_all]
    return [*for_all, *others, missing], missing  # without headings: a list with them is one that screen readers cannot read


def show_dashboard() -> None:
    """Run the page that the address names; Streamlit calls this on every run of every session."""
    language = browser_language()
    words = Translator(language)
    about = {"About": words.text("ui.frame.product")}  # without an entry of its own Streamlit has no menu, in which its themes are
    st.set_page_config(page_title=words.text("ui.frame.product"), page_icon=ICON, layout="wide", menu_items=about)
    with errors_in_words(words):
        access = current_access()
        if not access.may("viewer"):
            st.navigation([st.Page(partial(show_sign_in, access, words), title=words.text("ui.access.sign_in_title"))]).run()
            return
        menu, missing = _menu(access, words)
        page = st.navigation(menu)
        if page == missing:
            page.run()
            return
        name = page.url_path or HOME_PAGE
        try:
            open_frame(language, name)
        except StoreError as problem:
            if problem.code not in LEADS_NOWHERE:
                raise
            show_broken_link(problem, words)
            return
        with sidebar_around(name), errors_in_words(words):
            page.run()


if get_script_run_ctx(suppress_warning=True) is not None:
    show_dashboard()
else:  # `streamlit run app.py` serves this same file, once the sample company is prepared
    check_start()
    middleware = [Middleware(ProtectedApp), Middleware(KnownAddresses, pages=frozenset({*PAGES, MISSING})), Middleware(CompressedFiles)]
    app = st.App(__file__, lifespan=prepared, on_script_error=say_fault, middleware=middleware, routes=own_routes())
