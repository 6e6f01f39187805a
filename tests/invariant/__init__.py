"""The market and its twin under random sequences of calls, held to the laws."""
