# SPDX-License-Identifier: BSD-3-Clause
"""view - one sequence as one server sees it: steps to frames in that server's numbers, its replies
to numbers that can be compared."""
import dataclasses
import socket
import struct

from notation import options_bytes, options_text
from segments import ACK, FIN, LETTERS, M32, RST, SYN, signed, tcp_header

NOBODY = 1 << 20  # stands for a server's numbers before there are any
ALL_HOSTS = "ff02::1"


@dataclasses.dataclass(frozen=True)
class Way:
    """What a segment carries below TCP, from whom and to whom, over one family."""
    family: int
    source: str
    target: str
    mac: bytes
    server_mac: bytes

    def frame(self, ports, numbers, flags, win, urgent, options, text, multicast=False):
        """ports and numbers: source and target, seq and ack."""
        segment = struct.pack("!HHIIBBHHH", *ports, *numbers, (5 + len(options) // 4) << 4, flags,
                              win, 0, urgent) + options + bytes(text)
        ends = [socket.inet_pton(FAMILIES[self.family], one)
                for one in (self.source, ALL_HOSTS if multicast else self.target)]
        summed = checksum(b"".join(ends) + struct.pack("!II", len(segment), 6) + segment)
        segment = segment[:16] + struct.pack("!H", summed) + segment[18:]
        return self.server_mac + self.mac + self.ip(6, segment, ends)

    def ip(self, protocol, packet, ends):
        if self.family == 6:
            return struct.pack("!HIHBB", 0x86DD, 6 << 28, len(packet), protocol, 64) + \
                b"".join(ends) + packet
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(packet), 0, 0x4000, 64, protocol, 0) + \
            b"".join(ends)
        summed = struct.pack("!H", checksum(header))
        return b"\x08\x00" + header[:10] + summed + header[12:] + packet

    def ping(self, number):
        """To mark a place among the replies."""
        packet = struct.pack("!BBHHH", 8, 0, 0, 0xBA44, number)
        packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
        return self.server_mac + self.mac + self.ip(
            1, packet, [socket.inet_aton(one) for one in (self.source, self.target)])


FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def checksum(data):
    """The one's complement sum is the number modulo 65535."""
    return 0xFFFF - int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF


def bodies(options):
    """{kind: what it says}."""
    out = {}
    while options and options[0] != 0:
        size = 1 if options[0] == 1 else options[1]
        out[options[0]] = options[2:size]
        options = options[size:]
    return out


@dataclasses.dataclass(frozen=True)
class Reply:
    """Relative numbers; seq None: the 0 of a RST to a segment without ACK. again: a SYN-ACK with
    the same ISS as the one before."""
    flags: int
    seq: int
    ack: int
    text: int
    win: int
    options: str
    again: bool = False

    @property
    def end(self):
        return self.seq + self.text + bool(self.flags & SYN) + bool(self.flags & FIN)

    @property
    def pure_ack(self):
        return self.flags == ACK and not self.text

    def __str__(self):
        out = "".join(letter for bit, letter in LETTERS.items() if self.flags & bit)
        out += f" seq {'0 of nobody' if self.seq is None else self.seq}"
        out += "" if self.ack is None else f" ack {self.ack}"
        out += f" len {self.text}" if self.text else ""
        out += f" win {self.win}"
        out += f" <{self.options}>" if self.options else ""
        return out + (" again" if self.again else "")


@dataclasses.dataclass
class Stand:
    """Where a server and its client stand, relative as in Reply: see sequences.py."""
    nxt: int
    edge: int
    snd: int
    una: int
    held: int


class View:
    def __init__(self, sequence, way, port):
        self.sequence, self.way = sequence, way
        self.ports = (port, sequence.service.port)
        self.isn, self.iss = sequence.isn, NOBODY
        self.irs = self.nxt = self.held = self.isn
        self.edge = self.isn + 65535
        self.snd = self.una = NOBODY
        self.shift = 0
        self.tsval = 1
        self.syn = None  # the last one's SEQ

    def stand(self):
        return Stand(*(signed(number - base) for number, base in (
            (self.nxt, self.isn), (self.edge, self.isn), (self.snd, self.iss),
            (self.una, self.iss), (self.held, self.isn))))

    def numbers(self, step):
        """Of the step's segment."""
        seq = getattr(self, step.seq[0]) + step.seq[1]
        ack = getattr(self, step.ack[0]) + step.ack[1] if step.ack else 0
        return seq & M32, ack & M32

    def relative(self, step):
        if step is None:
            return None, None
        seq, ack = self.numbers(step)
        return signed(seq - self.isn), signed(ack - self.iss) if step.ack else None

    def frame(self, step):
        """Also takes note of what it says."""
        seq, ack = self.numbers(step)
        # In front, for what stands behind may be an end of options.
        options = b"" if step.ts is None else b"\x01\x01" + struct.pack(
            "!BBII", 8, 10, (self.sequence.tsval + step.ts) & M32, self.tsval)
        options += options_bytes(step.options)
        frame = self.way.frame(self.ports, (seq, ack), step.flags, step.win, step.urgent, options,
                               step.text, step.multicast)
        if step.flags & (SYN | ACK | RST) == SYN:
            self.syn = seq
        if step.ack and 0 <= signed(ack - self.una) <= signed(self.snd - self.una):
            self.una = ack
        if step.text and signed(seq + step.text - self.held) > 0:
            self.held = (seq + step.text) & M32
        return frame

    def take(self, frame):
        """A reply of this server."""
        _, _, seq, ack, flags, win, text = tcp_header(frame)
        at = 34 if self.way.family == 4 else 54
        options = frame[at + 20:at + 4 * (frame[at + 12] >> 4)]
        told, options = options_text(options), bodies(options)
        again = bool(flags & SYN) and seq == self.iss
        if flags & SYN:
            self._begin(seq, ack, options)
        relative = None if flags & RST and seq == 0 else signed(seq - self.iss)
        if not flags & RST:
            self._follow(seq, ack, flags, win, text)
        elif flags & ACK and relative is not None and signed(ack - self.nxt) > 0:
            self.nxt = ack
        if 8 in options:
            self.tsval = struct.unpack_from("!I", options[8])[0]
        return Reply(flags, relative, signed(ack - self.isn) if flags & ACK else None, text, win,
                     told, again)

    def _begin(self, seq, ack, options):
        if seq != self.iss:
            self.snd = self.una = self.iss = seq
        # Behind an edge the SYN of a later connection may have another number with either server.
        if ack == (self.syn + 1) & M32:
            self.isn = self.syn
        self.irs, self.nxt, self.held = (ack - 1) & M32, ack, ack
        self.edge = ack
        self.shift = options[3][0] if 3 in options else 0

    def _follow(self, seq, ack, flags, win, text):
        end = seq + text + bool(flags & SYN) + bool(flags & FIN)
        if signed(end - self.snd) > 0:
            self.snd = end & M32
        if flags & SYN:
            self.edge = (ack + win) & M32
            return
        if signed(ack - self.nxt) > 0:
            self.nxt = ack
        self.edge = (ack + (win << self.shift)) & M32
