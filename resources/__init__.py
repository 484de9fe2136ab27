"""Files only: icons, themes and sample boards, read through importlib.resources."""
