"""Says who reaches the dashboard: this machine alone, unless people sign in or the server was opened to everybody by name."""

from __future__ import annotations

import os
from ipaddress import IPv6Address, ip_address

OPEN_TO_ALL = "ICEBERG_OPEN"


def is_this_machine(address: str | None) -> bool:
    """Whether an address, of the server or of a visitor, stays on this machine; no address is every address."""
    if address == "localhost":
        return True
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    inner = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (inner or found).is_loopback


def is_open_to_all() -> bool:
    """Whether the server was told by name that everybody who reaches it may do everything."""
    return os.environ.get(OPEN_TO_ALL) == "1"
