"""Bulkhead: isolated-margin derivatives, and the tools that deploy, keep, test and attack them."""

__version__ = "0.1.0"
