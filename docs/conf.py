"""Sphinx settings of the site that `make docs` builds; every warning is an error."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "dealer-player"
author = "The dealer-player developers"
copyright = "the dealer-player developers"
release = metadata.version("dealer-player")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_ext"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

default_role = "code"
smartquotes = False  # options begin with two hyphens
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "imported-members": True}
napoleon_numpy_docstring = False
add_module_names = False

html_theme = "furo"
html_title = f"dealer-player {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
