"""Sources: one file for each wire format that producers speak."""
