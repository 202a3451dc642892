# SPDX-License-Identifier: BSD-3-Clause
"""system - the kernel's files, all of them below one root, and who we are logged in as."""
import contextlib
import ipaddress
import os
import re
from pathlib import Path


class Refused(Exception):
    """What could not be done: one line that says what would be right."""


class System:
    """The files below root: / but for tests, which name a tree of their own in NIC_SYSROOT."""

    def __init__(self, root=None):
        self.root = Path(root or os.environ.get("NIC_SYSROOT") or "/")

    def path(self, name):
        """Where the file really is that is called name (absolute) on the system."""
        return self.root / name.lstrip("/")

    def text(self, name):
        """What the file says, without blanks around it; "" if it cannot be read."""
        try:
            return self.path(name).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def number(self, name, default=0):
        try:
            return int(self.text(name))
        except ValueError:
            return default

    def names(self, name):
        """What is in the directory, sorted; nothing if there is none."""
        try:
            return sorted(os.listdir(self.path(name)))
        except OSError:
            return []

    def exists(self, name):
        return os.path.lexists(self.path(name))

    def target(self, name):
        """The last part of what the symbolic link points to; None if it is none."""
        try:
            return os.path.basename(os.readlink(self.path(name)))
        except OSError:
            return None

    def real(self, name):
        """The absolute name behind all symbolic links, on the machine that runs us."""
        return os.path.realpath(self.path(name))

    def processes(self):
        return [name for name in self.names("/proc") if name.isdigit()]

    def holders(self, device):
        """The processes that have the file open, as "riposte, pid 123"."""
        found = []
        for pid in self.processes():
            for number in self.names(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(self.path(f"/proc/{pid}/fd/{number}")) == device:
                        name = self.text(f"/proc/{pid}/comm")
                        found.append(f"{name or 'a process'}, pid {pid}")
                        break
        return found

    def login_addresses(self):
        """Our own ends of the ssh sessions we are in. sudo takes SSH_CONNECTION out of the
        environment, so our ancestors' are looked at too."""
        connections = [os.environ.get("SSH_CONNECTION", "")]
        pid = os.getppid()
        while pid > 0:
            try:
                environment = self.path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                environment = b""
            connections += [word.partition(b"=")[2].decode(errors="replace")
                            for word in environment.split(b"\0")
                            if word.startswith(b"SSH_CONNECTION=")]
            parent = re.search(r"^PPid:\s*(\d+)$", self.text(f"/proc/{pid}/status"), re.MULTILINE)
            pid = int(parent[1]) if parent else 0
        ends = [connection.split() for connection in connections]
        found = set()
        for end in ends:
            with contextlib.suppress(IndexError, ValueError):
                found.add(str(ipaddress.ip_address(end[2].partition("%")[0])))
        return found
