"""What ``tools/benchmark.py`` measures and how; nothing else of the package imports this."""
