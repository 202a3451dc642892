# SPDX-License-Identifier: BSD-3-Clause
"""frames - the frames of a case, as Pktgen makes them of its ranges, for those who send from a file;
and of the mixed case, for Pktgen too."""
import ipaddress
import itertools
import random
import struct

from .case import FLAGS

COUNT = 16384
CRC = 4  # Pktgen's sizes are with it, as on the wire
SEQ, WINDOW = 74616, 8192  # Pktgen's
TEXT = b"abcdefghijklmnopqrstuvwxyz012345"  # what Pktgen fills frames with


def _values(numbers):
    """start, min, max, increment: without end."""
    start, least, most, step = numbers
    value = start
    while True:
        yield value
        value += step
        if value > most:
            value = least


def _sum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _segment(source, target, ports, seq, ack, flags, text):
    """IP and TCP."""
    tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, WINDOW, 0, 0)
    length = len(tcp) + len(text)
    if source.version == 4:
        pseudo = source.packed + target.packed + struct.pack("!xBH", 6, length)
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 6, 0)
        head = head[:10] + struct.pack("!H", _sum(head + source.packed + target.packed))
    else:
        pseudo = source.packed + target.packed + struct.pack("!IxxxB", length, 6)
        head = struct.pack("!IHBB", 6 << 28, length, 6, 64)
    checksum = _sum(pseudo + tcp + text)
    return (head + source.packed + target.packed + tcp[:16] + struct.pack("!H", checksum) + tcp[18:] +
            text)


class _Maker:
    """Frames of a case; each next() has the next addresses and ports."""

    def __init__(self, case, mac=None):
        self.case = case
        self.ethernet = b"".join(bytes.fromhex(each.replace(":", "")) for each in (
            mac or case.ranges["dst mac"][0], case.ranges["src mac"][0]))
        address = [[ipaddress.ip_address(each) for each in case.ranges[key][:3]]
                   for key in ("src ip", "dst ip")]
        self.kind = type(address[0][0])
        self.ethernet += {4: b"\x08\x00", 6: b"\x86\xdd"}[address[0][0].version]
        steps = [int(self.kind(case.ranges[key][3])) for key in ("src ip", "dst ip")]
        ports = [[int(each) for each in case.ranges[key]] for key in ("src port", "dst port")]
        self.ends = zip(*(_values([*map(int, a), step]) for a, step in zip(address, steps)),
                        *map(_values, ports))
        self.size = int(case.ranges["size"][0]) - CRC

    def frame(self, ends, seq, ack, flags, text=b""):
        source, target, *ports = ends
        frame = self.ethernet + _segment(self.kind(source), self.kind(target), ports, seq, ack, flags,
                                         text)
        return frame.ljust(self.size, b"\0")

    def of_ranges(self, count):
        head = {ipaddress.IPv4Address: 54, ipaddress.IPv6Address: 74}[self.kind]
        room = max(0, self.size - head)
        for ends in itertools.islice(self.ends, count):
            yield self.frame(ends, SEQ, SEQ, self.case.flags, TEXT[:room])

    def mixed(self, seed):
        """SYNs, and behind each the RST that ends its connection, of which the number has to be
        right: RFC 5961 3.2."""
        connections, distance = self.case.mix
        dice = random.Random(seed)
        waiting, made = [], []  # RSTs, with the place of their SYN: the oldest first
        left = itertools.islice(self.ends, connections)
        while (ends := next(left, None)) or waiting:
            if ends:
                seq = dice.getrandbits(32)
                waiting.append((len(made), self.frame(ends, (seq + 1) & 0xffffffff, 0, FLAGS["rst"])))
                made.append(self.frame(ends, seq, 0, FLAGS["syn"]))
            while waiting and waiting[0][0] + distance <= len(made) + 1:
                made.append(waiting.pop(0)[1])
            if waiting and (not ends or dice.random() < len(waiting) * 2 / distance):
                made.append(waiting.pop(dice.randrange(len(waiting)))[1])
        return made


def frames(case, seed, mac=None, count=COUNT):
    """As bytes. mac: riposte's, where it is not the case's."""
    maker = _Maker(case, mac)
    return maker.mixed(seed) if case.mix else list(maker.of_ranges(count))


def write_pcap(path, made):
    """Microseconds, Ethernet."""
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n, frame in enumerate(made):
            file.write(struct.pack("=IIII", n // 1000000, n % 1000000, len(frame), len(frame)) + frame)


def write_trafgen(path, made):
    """In trafgen's language."""
    with open(path, "w", encoding="ascii") as file:
        for frame in made:
            file.write("{ " + ", ".join(f"0x{byte:02x}" for byte in frame) + " }\n")
