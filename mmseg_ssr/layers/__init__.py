"""Layers that compute in a faster way than torch's on a CPU, or keep less memory."""
