"""The domain of port sharing: pure data and rules, no I/O."""
