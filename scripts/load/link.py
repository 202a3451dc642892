# SPDX-License-Identifier: BSD-3-Clause
"""link - what the two sides meet on: a memif pair, a veth pair, or two real ports. Each says what EAL
is told of it at either end."""
import contextlib
import os
import subprocess

from .machine import LoadError

MAC = "02:18:00:00:00:01"  # riposte's, in every case


class Memif:
    """A pair of rings in the client's memory, which the client sends from without copying. They have
    room for 2 ** log_size frames."""

    def __init__(self, directory, log_size=10):
        self.socket = directory / "memif.sock"
        self.log_size = log_size

    @contextlib.contextmanager
    def made(self):
        # One that is left of the last run refuses whoever connects.
        self.socket.unlink(missing_ok=True)
        yield self

    def responder(self):
        return [], [f"--vdev=net_memif0,role=server,{self._common()},mac={MAC}"]

    def sender(self):
        return [], ["--single-file-segments",
                    f"--vdev=net_memif0,role=client,zero-copy=yes,{self._common()}"]

    def _common(self):
        return f"id=0,socket={self.socket},socket-abstract=no,rsize={self.log_size}"


class Ports:
    """Real devices, by their PCI addresses; None: the responder is elsewhere."""

    def __init__(self, sender, responder=None):
        self.addresses = sender, responder

    def sender(self):
        return [], ["-a", self.addresses[0]]

    def responder(self):
        return [], ["-a", self.addresses[1]]


class Veth:
    """A cable between two network namespaces, made for this and removed with them."""

    def __init__(self):
        self.name = f"riposte-load-{os.getpid()}"
        self.nic = f"{self.name}-nic"

    @contextlib.contextmanager
    def made(self):
        try:
            ip("netns", "add", self.name)
            ip("netns", "add", self.nic)
            ip("link", "add", "client0", "netns", self.name, "type", "veth",
                "peer", "name", "nic0", "netns", self.nic)
            for netns, interface in ((self.name, "client0"), (self.nic, "nic0")):
                # No neighbour discovery, no answers of the kernel's own.
                ip("netns", "exec", netns, "sysctl", "-qw",
                    f"net.ipv6.conf.{interface}.disable_ipv6=1")
            ip("-n", self.nic, "link", "set", "nic0", "address", MAC, "up")
            ip("-n", self.name, "link", "set", "client0", "up")
            yield self
        finally:
            for netns in (self.name, self.nic):
                subprocess.run(["ip", "netns", "delete", netns], check=False,
                               stderr=subprocess.DEVNULL)

    def responder(self):
        return ["ip", "netns", "exec", self.nic], ["--vdev=net_af_packet0,iface=nic0"]


def ip(*words):
    """The command of that name."""
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        raise LoadError(f"ip {' '.join(words)}: {done.stdout.strip()}")
