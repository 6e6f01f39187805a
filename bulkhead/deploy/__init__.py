"""From a market file to a running, verified market."""
