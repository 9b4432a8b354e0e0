"""Sphinx builds the pages of this folder into a site: `make docs`."""
import re

project = 'mmseg_ssr'
author = 'the authors of mmseg_ssr'
extensions = ['myst_parser']
html_theme = 'furo'
html_title = 'mmseg_ssr'
html_copy_source = False
html_show_copyright = False
smartquotes = False  # 'vit_b' is to be copied into a config as it is
exclude_patterns = ['images']
myst_heading_anchors = 3


def link_to_files(app, docname: str, source: list) -> None:
    """Files of the repository outside docs/, pages among them, become downloads of the site."""
    source[0] = re.sub(r'\]\((\.\./[^)#\s]+)\)', r'](path:\1)', source[0])


def setup(app) -> None:
    app.connect('source-read', link_to_files)
