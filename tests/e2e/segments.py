# SPDX-License-Identifier: BSD-3-Clause
"""segments - what went over a cable: TCP segments of one connection, in numbers relative to each
side's initial one."""
import dataclasses
import select
import socket
import struct
import time

ETH_P_ALL = 0x0003
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
LETTERS = {SYN: "S", FIN: "F", RST: "R", PSH: "P", ACK: "A", URG: "U"}
M32 = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True)
class Segment:
    """from_client: which way it went. ack is None without the ACK flag; all is relative."""
    from_client: bool
    flags: int
    seq: int
    ack: int
    length: int
    window: int

    @property
    def end(self):
        """The sequence number behind it."""
        return self.seq + self.length + bool(self.flags & SYN) + bool(self.flags & FIN)

    @property
    def text_from_server(self):
        return self.length > 0 and not self.from_client

    @property
    def pure_ack(self):
        return self.flags == ACK and self.length == 0

    def __str__(self):
        letters = "".join(letter for bit, letter in LETTERS.items() if self.flags & bit)
        text = f"{letters or '-'} {self.seq}"
        if self.length:
            text += f":{self.seq + self.length}"
        return text if self.ack is None else f"{text} ack {self.ack}"


class Wire:
    """Everything that an interface of a namespace sends and receives from now on."""

    def __init__(self, netns, interface):
        with netns.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((interface, ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        self.frames = []

    def look(self, seconds=0.0):
        """Takes in what has come by now, and until nothing has come for so many seconds."""
        while select.select([self.socket], [], [], seconds)[0]:
            frame, address = self.socket.recvfrom(65536)
            self.frames.append((frame, address[2] == socket.PACKET_OUTGOING))

    def connection(self, client_port, server_port):
        """The segments of a connection of this interface's side, in their order."""
        numbers, out = {}, []
        for frame, outgoing in self.frames:
            header = tcp_header(frame)
            if header is None or header[:2] != ((client_port, server_port) if outgoing else
                                                (server_port, client_port)):
                continue
            out.append(relative(numbers, outgoing, header))
        return out

    def flags(self, source, target):
        """The flags of all segments from a port to another, whichever way they went."""
        headers = [tcp_header(frame) for frame, _ in self.frames]
        return [header[4] for header in headers if header and header[:2] == (source, target)]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


SO_RCVBUFFORCE = 33


def tcp_header(frame):
    """(source port, destination port, seq, ack, flags, window, length of the text) or None."""
    if frame[12:14] == b"\x08\x00" and frame[23] == 6:
        at, end = 14 + 4 * (frame[14] & 15), 14 + struct.unpack_from("!H", frame, 16)[0]
    elif frame[12:14] == b"\x86\xdd" and frame[20] == 6:
        at, end = 54, 54 + struct.unpack_from("!H", frame, 18)[0]
    else:
        return None
    source, target, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", frame, at)
    return source, target, seq, ack, flags, window, end - at - 4 * (offset >> 4)


def relative(numbers, outgoing, header):
    """numbers: the initial sequence number of each side, filled in as SYNs go by. A side that never
    sent a SYN has 0, which is what a RST for no connection begins with."""
    _, _, seq, ack, flags, window, length = header
    if flags & SYN:
        numbers[outgoing] = seq
    return Segment(outgoing, flags, signed(seq - numbers.get(outgoing, 0)),
                   signed(ack - numbers.get(not outgoing, 0)) if flags & ACK else None, length,
                   window)


def signed(number):
    """A difference of sequence numbers, as a small number either way."""
    number &= M32
    return number - (1 << 32) if number >> 31 else number


def wait_for(condition, what, seconds=60):
    """Waits until condition() is true, and returns what it is."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s until {what}"
        time.sleep(0.01)
    return value
