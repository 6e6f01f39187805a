"""The keeper: watch a market, find who can be liquidated, decide what pays, act."""
