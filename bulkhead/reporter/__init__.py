"""A network of price reporters: each signs its own price, a relay brings a quorum on chain."""
