"""What every action costs: receipts of whole transactions on a local chain, kept and compared."""
