"""Parity with the published implementation: see docs/fidelity.md."""
