"""Sequences of ops decoded from bytes against the present state: what is likely to matter now."""
