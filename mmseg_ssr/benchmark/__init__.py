"""The measurements of ``mmseg-ssr benchmark``. Nothing else of the package imports this room."""
