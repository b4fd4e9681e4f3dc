"""Decides who reaches the dashboard: this machine alone, unless people sign in or a variable opens the server to all."""

from __future__ import annotations

import os
from ipaddress import IPv6Address, ip_address

OPEN_TO_ALL = "ICEBERG_OPEN"


def is_this_machine(address: str | None) -> bool:
    """Whether an address, of the server or of a visitor, stays on this machine; no address is every address."""
    if address == "localhost":
        return True
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return False
    inner = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (inner or parsed).is_loopback


def is_open_to_all() -> bool:
    """Whether `OPEN_TO_ALL` lets everybody who reaches the server do everything."""
    return os.environ.get(OPEN_TO_ALL) == "1"
