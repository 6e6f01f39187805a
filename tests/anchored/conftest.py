"""The market's fixtures."""

from market_fixtures import new_world, stages, still, world

__all__ = ["new_world", "stages", "still", "world"]
