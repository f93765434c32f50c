"""How the documentation is built: `pip install ".[docs]"`, then `sphinx-build -W docs build/docs`.

Nothing is downloaded: the theme brings its files along, and formulas are MathML.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "minigrad"
author = "the minigrad developers"
copyright = author  # the name that Sphinx reads

extensions = ["myst_nb", "mathml", "reference", "rules", "project_files"]
exclude_patterns = ["_extensions"]
html_math_renderer = "mathml"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks/execute.py runs them, and keeps what they show
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables among what notebooks show
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = True
suppress_warnings = ["ref.python"]  # names of types that several modules have
toc_object_entries = False  # a page may hold a hundred names
smartquotes = False  # the text stays as it is written
highlight_language = "python"

html_theme = "furo"
html_title = "minigrad"
html_static_path = ["_static"]
html_css_files = ["minigrad.css"]
html_copy_source = False
html_show_sphinx = False
