"""The commands of ``mmseg-ssr``, a module for each."""
