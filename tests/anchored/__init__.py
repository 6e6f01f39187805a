"""What once failed under random calls, cut down, so that it never fails again."""
