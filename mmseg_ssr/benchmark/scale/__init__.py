"""How time and memory grow with sizes and numbers: ``mmseg-ssr benchmark scale``."""
