"""Leases: each worker has one, which a process beside it renews while the worker is alive."""
