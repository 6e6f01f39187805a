"""Markets on a chain of their own, as in the unit tests of the market."""

from market_fixtures import new_world, stages, still, world

__all__ = ["new_world", "stages", "still", "world"]
