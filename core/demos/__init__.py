"""Real producers, each runnable alone with ``python -m``."""
