"""Which URLs are those of local devices; told without loading anything of them."""

from __future__ import annotations

DEVICE_SCHEMES = ("visa:", "sim:", "device:")


def is_device_url(url: str) -> bool:
    """Tell whether a URL is that of a device of this computer."""
    return url.strip().lower().startswith(DEVICE_SCHEMES)
