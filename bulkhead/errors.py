"""The root of this project's exceptions."""


class BulkheadError(Exception):
    """Anything that Bulkhead's own code raises on purpose."""
