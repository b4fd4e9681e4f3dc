"""How Sphinx builds this documentation: ``make docs``, without a network; every warning is an error."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import iceberg  # noqa: E402  # the checkout's, not one that is installed

project = "The silent-churn iceberg"
release = version = iceberg.__version__
language = "en"  # pages called NAME.fr.md are French, see iceberg_docs

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "iceberg_docs"]
exclude_patterns = ["_ext"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["deflist", "dollarmath", "colon_fence"]
myst_heading_anchors = 3
smartquotes = False  # two hyphens begin an option

default_role = "py:obj"  # `Name` in a docstring is a link where the name is documented
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"Source": "Source"}  # else every table of load_tables spells it out
python_maximum_signature_line_length = 100
napoleon_use_ivar = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Names in docstrings and annotations that are not part of the public API have no page to link to.
nitpick_ignore_regex = [(r"py:(class|obj|data|meth|attr)", r".*")]

html_theme = "furo"
html_title = project
html_math_renderer = "mathml"
html_copy_source = False
html_show_copyright = False
html_theme_options = {
    # The colours of .streamlit/config.toml.
    "light_css_variables": {"color-brand-primary": "#0f5c8c", "color-brand-content": "#0f5c8c"},
    "dark_css_variables": {"color-brand-primary": "#6ab7e6", "color-brand-content": "#6ab7e6"},
}
