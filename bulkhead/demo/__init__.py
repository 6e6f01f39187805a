"""The demo: a market on a local chain lives through a crash, its books checked throughout."""
