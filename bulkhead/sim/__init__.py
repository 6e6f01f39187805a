"""Simulation: crashes replayed before they happen, on the exact twin or on a real chain."""
