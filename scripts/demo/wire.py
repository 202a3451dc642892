# SPDX-License-Identifier: BSD-3-Clause
"""wire - what went over the cable: captured by tcpdump, told in its short form, and compared with
what should have."""
import re
import socket
import subprocess
import time
from dataclasses import dataclass

MARK = b"end of the capture"
ETHERTYPE_LOCAL = 0x88b5  # IEEE 802: local experiments
SECONDS = 20

TCP = re.compile(r"(?P<time>[\d.]+) IP6? (?P<source>\S+)\.(?P<sport>\d+) > \S+\.(?P<dport>\d+): "
                 r"Flags \[(?P<flags>[^]]*)\](?:, seq (?P<seq>\d+)(?::(?P<end>\d+))?)?"
                 r"(?:, ack (?P<ack>\d+))?, win (?P<win>\d+)")
# What is no TCP is told alike for IPv4 and IPv6.
OTHERS = {
    re.compile(r"([\d.]+) (?:ARP, Request|IP6 .* neighbor solicitation,) "): "C > S who-has",
    re.compile(r"([\d.]+) (?:ARP, Reply|IP6 .* neighbor advertisement,) "): "S > C is-at",
    re.compile(r"([\d.]+) IP6? .* ICMP6?,? echo request,"): "C > S ping",
    re.compile(r"([\d.]+) IP6? .* ICMP6?,? echo reply,"): "S > C pong",
}


# The pcap filters of echo request and reply, and of neighbour solicitation and advertisement.
NEIGHBOURS = {4: "arp or icmp",
              6: "icmp6 and (ip6[40] == 128 or ip6[40] == 129 or ip6[40] == 135 or ip6[40] == 136)"}


class WireError(Exception):
    """tcpdump could not do it."""


@dataclass
class Frame:
    """One line of tcpdump's, shortened. time is in seconds."""
    time: float
    text: str


class Capture:
    """tcpdump at the client's interface, from now to stop()."""

    def __init__(self, place, path):
        self.place = place
        self.path = path
        with place.inside():
            self.tcpdump = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "tcpdump", "-i", place.interface, "-n", "-U",
                 "--immediate-mode", "-B", "8192", "-Z", "root", "-w", str(path)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True)
        said = []
        while not said or "listening on" not in said[-1]:
            said.append(self.tcpdump.stderr.readline())
            if not said[-1]:
                self.tcpdump.wait()
                raise WireError("".join(said).strip())

    def stop(self):
        """Ends it once everything sent so far is in the file: a last frame says so."""
        with self.place.inside():
            port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with port:
            port.bind((self.place.interface, 0))
            port.send(b"\xff" * 6 + port.getsockname()[4] +
                      ETHERTYPE_LOCAL.to_bytes(2, "big") + MARK)
        deadline = time.monotonic() + SECONDS
        while MARK not in self.path.read_bytes():
            if time.monotonic() > deadline:
                raise WireError(f"tcpdump did not see the end of {self.path.stem}")
            time.sleep(0.02)
        self.tcpdump.terminate()
        said = self.tcpdump.communicate()[1]
        if not re.search(r"^0 packets dropped by kernel", said, re.MULTILINE):
            raise WireError(f"tcpdump missed frames: {said.strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.tcpdump.poll() is None:
            self.tcpdump.kill()
            self.tcpdump.communicate()


def tcpdump(*arguments):
    """Runs tcpdump on a file."""
    done = subprocess.run(["tcpdump", "-n", "-Z", "root", *map(str, arguments)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise WireError(done.stderr.strip())
    return done.stdout


def capture_filter(family, server_port, client_ports, neighbours):
    """The pcap filter of one row: its connections, and with neighbours the host's ARP or ND and
    ping."""
    ports = " or ".join(f"tcp port {port}" for port in client_ports)
    segments = f"{'ip' if family == 4 else 'ip6'} and tcp port {server_port} and ({ports})"
    return f"({segments}) or ({NEIGHBOURS[family]})" if neighbours else segments


def cut(whole, part, expression):
    """Copies what matches from one capture to another."""
    tcpdump("-r", whole, "-w", part, expression)


class Numbers:
    """Sequence numbers, relative to the initial ones of both sides; a connection of which there
    was no handshake begins at 1, as tcpdump has it. What a side sends before it has an initial
    number is told as it is: the RST of a closed port has SEQ 0."""

    def __init__(self):
        self.client = self.server = None

    def learn(self, from_client, flags, seq, ack):
        if from_client and flags == "S":
            self.client, self.server = seq, None
        elif flags == "S.":
            self.server = seq
        elif from_client and self.client is None:
            self.client, self.server = (seq or 1) - 1, ack - 1

    @staticmethod
    def relative(number, base):
        return number if base is None else (number - base) % (1 << 32)


def frames(path, server_port):
    """The capture's frames."""
    told = []
    numbers = {}
    for line in tcpdump("-S", "-tt", "-r", path).splitlines():
        if found := TCP.match(line):
            told.append(Frame(float(found["time"]), segment(found, server_port, numbers)))
            continue
        for pattern, text in OTHERS.items():
            if found := pattern.match(line):
                told.append(Frame(float(found[1]), text))
    return told


def segment(found, server_port, numbers):
    """tcpdump's line of a segment, shortened: no addresses, no options, a window only if it is 0
    (which that of a RST always may be)."""
    flags = found["flags"]
    seq, end, ack = (int(found[name]) if found[name] else None for name in ("seq", "end", "ack"))
    from_client = int(found["dport"]) == server_port
    client_port = found["sport"] if from_client else found["dport"]
    known = numbers.setdefault(client_port, Numbers())
    known.learn(from_client, flags, seq, ack)
    mine, other = ((known.client, known.server) if from_client else (known.server, known.client))
    text = f"{'C > S' if from_client else 'S > C'} [{flags}]"
    if seq is not None:
        text += f", seq {known.relative(seq, mine)}"
    if end is not None:
        text += f":{known.relative(end, mine)}"
    if ack is not None:
        text += f", ack {known.relative(ack, other)}"
    if found["win"] == "0" and "R" not in flags:
        text += ", win 0"
    return text
