# SPDX-License-Identifier: BSD-3-Clause
"""lab - two namespaces and a veth pair: a Linux client at one end, riposte at the other."""
import socket

from netns import Netns, quiet, unique, veth
from rawport import RawPort
from responder import Riposte
from roughcable import RoughCable
from tagger import Tagger

CLIENT4, CLIENT6 = "10.9.0.2", "fd09::2"
SERVER4, SERVER6 = "10.9.0.1", "fd09::1"
CLIENT = {4: CLIENT4, 6: CLIENT6}
SERVER = {4: SERVER4, 6: SERVER6}
CABLES = {"cable": (), "vlan": (5,), "two_vlans": (7, 5)}  # Lab's tags
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def greeting(netns, family, timeout=20):
    """All that port 80 of riposte's first address says to a client in netns."""
    with netns.inside():
        sock = socket.socket(FAMILY[family], socket.SOCK_STREAM)
    with sock:
        sock.settimeout(timeout)
        sock.connect((SERVER[family], 80))
        said = b""
        while data := sock.recv(100):
            said += data
        return said


class Lab:
    """client: the namespace of the tests' programs, with the interface c0. nic: riposte's, with
    n0, which has no address. With tags, c0 is in that VLAN (outermost tag first). rough: what
    roughcable.c is told of its delay and so on, for it to be the cable."""

    def __init__(self, tags=(), rough=()):
        self.client = Netns("c")
        self.nic = Netns("n")
        self.prefix = unique("p")
        self.riposte = None
        self.cable = "t0" if tags else "c0"  # the client's end of the veth
        self.rough = None
        if rough:
            self.rough = RoughCable((self.client, self.cable), (self.nic, "n0"), rough)
        else:
            veth(self.client, self.cable, self.nic, "n0")
        quiet(self.nic, "n0")
        self.nic.run("ip", "link", "set", "n0", "up")
        # A veth leaves checksums to a NIC that is not there: the client must make them itself.
        self.client.run("ethtool", "-K", self.cable, "tx", "off")
        self.client.run("ip", "link", "set", "lo", "up")
        self.tagger = None
        if tags:
            quiet(self.client, self.cable)
            self.client.run("ip", "link", "set", self.cable, "up")
            self.tagger = Tagger(self.client, "c0", self.cable, tags)
            # The cable has room for one tag beyond its MTU.
            self.client.run("ip", "link", "set", "c0", "mtu", str(1504 - 4 * len(tags)))
        self._addresses()

    def _addresses(self):
        client = self.client
        with client.inside():
            client.sysctl("net/ipv6/conf/c0/accept_dad", 0)
            client.sysctl("net/ipv6/conf/c0/router_solicitations", 0)
            client.sysctl("net/ipv6/conf/c0/addr_gen_mode", 1)
            # Linux holds back all but two ACKs a second to what it takes for noise.
            client.sysctl("net/ipv4/tcp_invalid_ratelimit", 0)
        client.run("ip", "link", "set", "c0", "up")
        client.run("ip", "address", "add", f"{CLIENT4}/16", "dev", "c0")
        client.run("ip", "address", "add", f"{CLIENT6}/48", "dev", "c0", "nodad")
        client.run("ip", "route", "add", "default", "dev", "c0")
        client.run("ip", "-6", "route", "add", "default", "dev", "c0")

    def start(self, conf, directory, options=(), device=""):
        """Starts riposte on the cable and waits until it answers; conf owns 10.9.0.1."""
        self.riposte = Riposte(
            conf, directory, self.prefix, options=options, netns=self.nic,
            devices=[f"net_af_packet0,iface=n0{device}"])
        self.riposte.start()
        with RawPort(self.client, "c0") as port:
            self.riposte.wait_until(lambda: port.resolve(CLIENT4, SERVER4, 0.05), "it answers")
        return self.riposte

    def raw(self):
        """Frames as they are, at the client's interface."""
        return RawPort(self.client, "c0")

    def socket(self, family=4, timeout=20):
        """A TCP socket of the client."""
        with self.client.inside():
            made = socket.socket(FAMILY[family], socket.SOCK_STREAM)
        made.settimeout(timeout)
        return made

    def connect(self, port, family=4, host=None, timeout=20):
        """A connection of the client to port."""
        made = self.socket(family, timeout)
        try:
            self.connect_to(made, port, host)
        except BaseException:
            made.close()
            raise
        return made

    @staticmethod
    def connect_to(sock, port, host=None):
        """connect() to port at riposte's first address, or at host."""
        sock.connect((host or SERVER[4 if sock.family == socket.AF_INET else 6], port))

    def run(self, *command, **options):
        """Runs a program as the client; returns its output."""
        return self.client.run(*command, **options)

    def close(self):
        """Removes everything; what riposte counted is looked at by whoever stopped it."""
        if self.riposte:
            self.riposte.kill()
        if self.tagger:
            self.tagger.close()
        if self.rough:
            self.rough.close()  # and with it the cable
        else:
            self.client.run("ip", "link", "delete", self.cable)
        self.client.close()
        self.nic.close()
