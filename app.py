"""Sets the page up and navigates; everything else lives in `iceberg.ui`."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from iceberg.locale import Translator
from iceberg.ui.controls import browser_language
from iceberg.ui.frame import errors_in_words, open_frame, sidebar_around
from iceberg.ui.server import prepared, say_fault

ICON = Path(__file__).parent / "iceberg" / "ui" / "iceberg.svg"  # a Material icon would be fetched from the network
PAGES = {  # file and address -> Material icon
    "iceberg": "sailing",
    "category": "search_insights",
    "compare": "compare_arrows",
    "survival": "timeline",
    "method": "function",
    "upload": "upload_file",
}


def show_dashboard() -> None:
    """Every run of every session."""
    language = browser_language()
    words = Translator(language)
    st.set_page_config(page_title=words.text("ui.frame.product"), page_icon=ICON, layout="wide")
    page = st.navigation(
        [
            st.Page(
                f"iceberg/ui/pages/{name}.py",
                title=words.text(f"ui.{name}.title"),
                icon=f":material/{icon}:",
                help=words.text(f"ui.{name}.help"),
                url_path=name,
                default=name == "iceberg",
            )
            for name, icon in PAGES.items()
        ]
    )
    with errors_in_words(words):
        name = page.url_path or next(iter(PAGES))
        open_frame(language, name)
        with sidebar_around(name), errors_in_words(words):
            page.run()


if get_script_run_ctx(suppress_warning=True) is not None:
    show_dashboard()
else:  # what `streamlit run app.py` serves: this same file, once the sample company is ready
    app = st.App(__file__, lifespan=prepared, on_script_error=say_fault)
