"""The measurements of ``tools/benchmark.py``. Nothing else of the package imports this room."""
