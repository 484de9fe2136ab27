"""Instruments on their own threads."""
