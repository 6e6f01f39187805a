"""The keeper's databases."""

from keeper_databases import database, postgres_url

__all__ = ["database", "postgres_url"]
