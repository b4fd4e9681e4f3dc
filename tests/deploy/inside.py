"""Run by `machine.py` in namespaces of its own: lays out the file system of a machine that runs the product, then waits until it is told to end.

    unshare --mount --net python inside.py PLAN

PLAN is JSON: `kept` folders stay where they are, `closed` ones are replaced by memory, `places` are mounted elsewhere, `hosts` are names of this
machine. It needs the standard library alone.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
BESIDE = Path("/mnt")  # where everything lies while the folders above it are replaced


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def bind(source: Path, target: Path) -> None:
    """Show `source` at `target` too, which is made if it is not there."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount("--bind", str(source), str(target))


def lay_out(plan: dict) -> None:
    """The file system, still writable: the product is installed next."""
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "-o", "mode=0755", "beside", str(BESIDE))
    wanted = {place: Path(source) for place, source in [*plan["places"].items(), *((folder, folder) for folder in plan["kept"])]}
    for number, source in enumerate(wanted.values()):
        bind(source, BESIDE / str(number))
    etc = BESIDE / "etc"
    subprocess.run(["cp", "--archive", "/etc", str(etc)], check=False, stderr=subprocess.DEVNULL)  # what this user may not read stays away
    with (etc / "hosts").open("a", encoding="utf-8") as hosts:
        hosts.writelines(f"127.0.0.1 {name}\n" for name in plan["hosts"])
    bind(etc, Path("/etc"))
    for folder, options in plan["closed"].items():
        mount("-t", "tmpfs", "-o", options, "memory", folder)
    for number, place in enumerate(wanted):
        if not os.path.ismount(place):
            bind(BESIDE / str(number), Path(place))
    subprocess.run(["umount", "--lazy", str(BESIDE)], check=True)


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = struct.pack("16sH", b"lo", 0) + bytes(14)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH", b"lo", flags | IFF_UP) + bytes(14))


if __name__ == "__main__":
    if shutil.which("mount") is None:
        sys.exit("mount is missing")
    lay_out(json.loads(sys.argv[1]))
    bring_loopback_up()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
