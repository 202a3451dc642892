# SPDX-License-Identifier: BSD-3-Clause
"""bench - riposte and a Linux kernel side by side, and many sequences played with both at once, all
in the same step at a time."""
import contextlib
import dataclasses
import itertools
import os
import select
import socket
import struct
import time

import linuxhost
from kernelhost import KernelHost
from lab import CLIENT4, SERVER, SERVER4
from rawport import RawPort
from scenarios import quoted
from segments import SO_RCVBUFFORCE, tcp_header
from sequences import PAUSE, SERVICES
from talk import ASKER
from view import Stand, View, Way

BACKLOG = 4000
CONF = """host { owns = { "10.9.0.1", "fd09::1" } connections = 100000 cookies = never
       challenge_acks = 0 }
"""
# Longer than a sequence takes; but 3.5 times this has to be less than the kernel's TIME-WAIT, or an
# orphan's FIN-WAIT-2 is another thing to it.
RTO_MIN_US = 10_000_000
KERNEL_ASKER = {4: "10.8.0.44", 6: "fd08::44"}
# All that the kernel receives and sends is received and sent by one CPU: a veth does not keep the
# order of two.
CPU = max(os.sched_getaffinity(0))
ASKER_MAC = bytes.fromhex("020000000044")  # nobody's: no kernel answers for it


@dataclasses.dataclass
class Side:
    """What one server was sent in a step, when it stood where, and what it replied."""
    stand: Stand
    seq: int
    ack: int
    replies: list


@dataclasses.dataclass
class Moment:
    """A step, with riposte and with Linux."""
    step: object
    sides: tuple


def conf():
    """riposte's listeners."""
    out = [CONF]
    for one in SERVICES:
        if one.script is not None:
            calls = ", ".join(map(quoted, one.script))
            out.append(f'listener "{one.name}" {{ ports = {{ "{one.port}" }} '
                       f"script = {{ {calls} }} backlog = {BACKLOG} "
                       f"receive_buffer = {one.window} }}\n")
    return "".join(out)


class Server:
    """One of the two, from its client's end of the cable."""

    def __init__(self, port, ways):
        self.port, self.ways = port, ways
        self.views = {}
        self.late = []
        self.pinged = itertools.count(1)

    def send(self, view, step):
        self.port.send(view.frame(step))

    def listen(self, seconds=0.0):
        """Takes in what comes, until nothing has for so long; the pings' answers are returned."""
        answers = []
        for frame in self.port.receive(seconds):
            header = tcp_header(frame)
            if header is None:
                if frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34] == 0:
                    answers.append(struct.unpack_from("!H", frame, 40)[0])
                continue
            view = self.views.get((4 if frame[12] == 8 else 6, header[1]))
            if view is not None:
                self.late.append((view, view.take(frame)))
        return answers

    def ping(self, seconds=10):
        """What was sent before has been seen, and what it drew at once is here."""
        number = next(self.pinged) & 0xFFFF
        self.port.send(self.ways[4].ping(number))
        deadline = time.monotonic() + seconds
        while number not in self.listen(0):
            assert time.monotonic() < deadline, "the server does not answer pings"
            select.select([self.port.socket], [], [], 0.1)


class Bench:
    """Both servers, and what is played with them. Without scapy: it is thousands of segments a
    second."""

    def __init__(self, lab):
        self.lab = lab
        self.host = linuxhost.LinuxHost(lab.client, {})
        self.kernel = None
        self.servers = []
        self.client_ports = {4: itertools.cycle(range(2000, 65000)),
                             6: itertools.cycle(range(2000, 65000))}
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._ready_kernel()
            ports = [lab.raw(), RawPort(lab.client, "k0")]
            for port in ports:
                port.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
            macs = [ports[0].resolve(CLIENT4, SERVER4),
                    ports[1].resolve(linuxhost.CLIENT[4], linuxhost.ADDRESS[4])]
            for port, mac, source, target in zip(ports, macs, (ASKER, KERNEL_ASKER),
                                                 (SERVER, linuxhost.ADDRESS)):
                self.servers.append(Server(port, {
                    family: Way(family, source[family], target[family], ASKER_MAC, mac)
                    for family in (4, 6)}))
            undo.pop_all()

    def _ready_kernel(self):
        netns = self.host.netns
        with netns.inside():
            linuxhost.like_riposte(netns)
            for name, value in (("tcp_syncookies", 0), ("tcp_max_syn_backlog", 100000),
                                ("tcp_ecn", 0), ("tcp_rto_min_us", RTO_MIN_US)):
                netns.sysctl(f"net/ipv4/{name}", value)
            netns.sysctl("net/core/somaxconn", 65535)
        for address, family in ((KERNEL_ASKER[4], "-4"), (KERNEL_ASKER[6], "-6")):
            netns.run("ip", "neigh", "replace", address, "lladdr", ASKER_MAC.hex(":"), "dev", "h0",
                      "nud", "permanent")
            # Every segment is acknowledged at once, as by D-13.
            netns.run("ip", family, "route", "add", address, "dev", "h0", "quickack", "1")
        self.kernel = KernelHost(netns, CPU, [
            {"port": one.port, "family": family, "script": one.script, "backlog": BACKLOG,
             "window": one.window} for one in SERVICES if one.script is not None
            for family in (4, 6)])

    def play(self, sequences, family):
        """[Moment, ...] of each."""
        os.sched_setaffinity(0, {CPU})  # of this thread
        views = []
        for one in sequences:
            port = next(self.client_ports[family])
            views.append([View(one, server.ways[family], port) for server in self.servers])
            for server, view in zip(self.servers, views[-1]):
                server.views[family, port] = view
        out = [[] for _ in sequences]
        for number in range(max(len(one.steps) for one in sequences)):
            self._step(sequences, views, out, number)
        self.kernel.forget()
        for server in self.servers:
            server.ping()
            server.late.clear()
            server.views.clear()
        return out

    def _step(self, sequences, views, out, number):
        steps = [(one.steps[number], pair, moments)
                 for one, pair, moments in zip(sequences, views, out) if number < len(one.steps)]
        if any(step is None for step, _, _ in steps):
            time.sleep(PAUSE)
        for step, pair, moments in steps:
            moments.append(Moment(step, tuple(
                Side(view.stand(), *view.relative(step), []) for view in pair)))
            if step is not None:
                for server, view in zip(self.servers, pair):
                    server.send(view, step)
        self._settle()
        where = {id(view): moments[-1].sides[side] for pair, moments in zip(views, out)
                 for side, view in enumerate(pair)}
        for server in self.servers:
            for view, reply in server.late:
                where[id(view)].replies.append(reply)
            server.late.clear()

    def _settle(self):
        """Until what was sent has drawn all that it draws: a segment wakes an application, whose
        calls send something."""
        for server in self.servers:
            server.ping()
        self.kernel.settle()
        for server in self.servers:
            server.ping()

    def close(self):
        for server in self.servers:
            server.port.close()
        if self.kernel:
            self.kernel.close()
        self.host.close()
