# SPDX-License-Identifier: BSD-3-Clause
"""linuxhost - a host to compare riposte with: a Linux kernel in a namespace of its own, on a second
cable of the client."""
import contextlib
import socket
import struct
import threading
import time

from netns import Netns, veth
from roughcable import RoughCable

CLIENT = {4: "10.8.0.2", 6: "fd08::2"}
ADDRESS = {4: "10.8.0.1", 6: "fd08::1"}


class LinuxHost:
    """behaviours: port to a function that is given each accepted connection and closes it. rough:
    as the laboratory's."""

    def __init__(self, client, behaviours, rough=()):
        self.client = client
        self.netns = Netns("h")
        self.rough = None
        if rough:
            self.rough = RoughCable((client, "k0"), (self.netns, "h0"), rough)
        else:
            veth(client, "k0", self.netns, "h0")
        for netns, name, addresses in ((client, "k0", CLIENT), (self.netns, "h0", ADDRESS)):
            netns.run("ethtool", "-K", name, "tx", "off")
            netns.run("ip", "link", "set", name, "up")
            netns.run("ip", "address", "add", f"{addresses[4]}/24", "dev", name)
            netns.run("ip", "address", "add", f"{addresses[6]}/64", "dev", name, "nodad")
        self.listeners = []
        for port, behaviour in behaviours.items():
            with self.netns.inside():
                listener = socket.create_server(("::", port), family=socket.AF_INET6,
                                                dualstack_ipv6=True, backlog=100)
            self.listeners.append(listener)
            threading.Thread(target=self._serve, args=(listener, behaviour), daemon=True).start()

    @staticmethod
    def _serve(listener, behaviour):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError):
                    behaviour(connection)

    def close(self):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        if self.rough:
            self.rough.close()
        else:
            self.client.run("ip", "link", "delete", "k0")
        self.netns.close()


def like_riposte(netns):
    """rules.md section 10, and no cleverness: RFC 5681 alone, no probes of a tail, no corking."""
    for name, value in (("tcp_invalid_ratelimit", 0), ("tcp_congestion_control", "reno"),
                        ("tcp_early_retrans", 0), ("tcp_autocorking", 0),
                        ("tcp_no_metrics_save", 1)):
        netns.sysctl(f"net/ipv4/{name}", value)


def close_at_once(connection):
    connection.close()


def abort(connection):
    """Not so quickly that connect() can see it."""
    time.sleep(0.1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_all(connection):
    while connection.recv(4096):
        pass
    connection.close()


def half_read(connection):
    """Waits until there is something, takes none of it."""
    connection.recv(1, socket.MSG_PEEK)
    connection.close()


class Hang:
    """Never looks at its connections again, and keeps them."""

    def __init__(self):
        self.kept = []

    def __call__(self, connection):
        self.kept.append(connection)
