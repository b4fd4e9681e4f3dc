"""The page that Streamlit runs: setup and navigation; everything else is in `iceberg.ui`."""

from functools import partial

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx

from iceberg.installation import PACKAGE
from iceberg.locale import Translator
from iceberg.ui.access.access import Access, current_access, least_role, show_refusal
from iceberg.ui.access.sign_in import show_sign_in
from iceberg.ui.frame import errors_in_words, open_frame, page_file, sidebar_around
from iceberg.ui.language import browser_language
from iceberg.ui.serving.protection import ProtectedApp
from iceberg.ui.serving.routes import own_routes
from iceberg.ui.serving.server import check_start, prepared, say_fault
from iceberg.ui.serving.static_files import CompressedFiles

ICON = PACKAGE / "ui" / "iceberg.svg"  # a Material icon would be fetched from the network
PAGES = {  # file and address -> Material icon
    "iceberg": "sailing",
    "studies": "folder_shared",
    "category": "search_insights",
    "compare": "compare_arrows",
    "survival": "timeline",
    "method": "function",
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
        default=name == "iceberg",
        visibility="visible" if allowed else "hidden",
    )


def show_dashboard() -> None:
    """Run the page that the address names; Streamlit calls this on every run of every session."""
    language = browser_language()
    words = Translator(language)
    st.set_page_config(page_title=words.text("ui.frame.product"), page_icon=ICON, layout="wide")
    with errors_in_words(words):
        access = current_access()
        if not access.may("viewer"):
            st.navigation([st.Page(partial(show_sign_in, access, words), title=words.text("ui.access.sign_in_title"))]).run()
            return
        page = st.navigation([_page(name, icon, access, words) for name, icon in PAGES.items()])
        name = page.url_path or next(iter(PAGES))
        open_frame(language, name)
        with sidebar_around(name), errors_in_words(words):
            page.run()


if get_script_run_ctx(suppress_warning=True) is not None:
    show_dashboard()
else:  # `streamlit run app.py` serves this same file, once the sample company is prepared
    check_start()
    middleware = [Middleware(ProtectedApp), Middleware(CompressedFiles)]
    app = st.App(__file__, lifespan=prepared, on_script_error=say_fault, middleware=middleware, routes=own_routes())
