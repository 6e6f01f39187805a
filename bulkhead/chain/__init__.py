"""The chain side of the tooling: compile, artifacts, a managed Anvil and a fast client."""
