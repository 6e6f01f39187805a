"""The auditors' fuzz suite: random sequences on the real contracts, an exact twin, and the laws."""
