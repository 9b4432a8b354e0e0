"""One run that measures an accelerator (``mmseg-ssr benchmark gpu``), piece by piece."""
