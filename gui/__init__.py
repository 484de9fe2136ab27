"""The window: the only Qt code of dockscope."""
