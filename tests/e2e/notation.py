# SPDX-License-Identifier: BSD-3-Clause
"""notation - segments as text, the way tcpdump writes them, and as frames.

    "S seq 0 <mss 1460,nop,wscale 7>"    "SA seq 0 ack 1 win 65535 <mss 1460>"
    "PA seq 1 ack 1 len 5"               "R seq 1 win 0"

Flags are letters of FSRPAUEC, "-" for none. Sequence numbers are relative to the initial one of
the side that they belong to. A reply's window and options are always written out; "ts * 7" is a
timestamp whose TSval can be anything, and whose TSecr is 7."""
import dataclasses
import re
import struct

from scapy.all import Dot1AD, Dot1Q, Ether, IP, IPv6, Raw, TCP

M32 = 0xFFFFFFFF
TPID = {0x8100: Dot1Q, 0x88A8: Dot1AD}
SPEC = re.compile(r"(?P<flags>[FSRPAUEC]+|-) seq (?P<seq>-?\d+)(?: ack (?P<ack>-?\d+))?"
                  r"(?: len (?P<len>\d+))?(?: win (?P<win>\d+))?(?: urg (?P<urg>\d+))?"
                  r"(?: <(?P<options>[^>]*)>)?")


def options_bytes(text):
    """TCP options as text to bytes, padded with zeros; "hex 0204" is bytes as they are."""
    out = b""
    for option in filter(None, (text or "").split(",")):
        name, *numbers = option.split()
        if name == "hex":
            out += bytes.fromhex("".join(numbers))
            continue
        values = [int(number) for number in numbers]
        out += {"eol": lambda: b"\x00",
                "nop": lambda: b"\x01",
                "mss": lambda: struct.pack("!BBH", 2, 4, *values),
                "wscale": lambda: struct.pack("!BBB", 3, 3, *values),
                "sackOK": lambda: b"\x04\x02",
                "ts": lambda: struct.pack("!BBII", 8, 10, *values)}[name]()
    return out + bytes(-len(out) % 4)


def options_text(data):
    """The options of a reply but padding; TSval is not shown, for it cannot be foretold."""
    out = []
    while data and data[0] != 0:
        if data[0] == 1:
            data = data[1:]
            continue
        assert len(data) >= 2 and 2 <= data[1] <= len(data), f"bad option: {data.hex()}"
        kind, body, data = data[0], data[2:data[1]], data[data[1]:]
        if kind == 2:
            out.append(f"mss {struct.unpack('!H', body)[0]}")
        elif kind == 3:
            out.append(f"wscale {body[0]}")
        elif kind == 4:
            out.append("sackOK")
        elif kind == 8:
            out.append(f"ts * {struct.unpack('!II', body)[1]}")
        else:
            out.append(f"kind {kind}")
    assert not any(data), f"padding that is not zero: {data.hex()}"
    return ",".join(out)


@dataclasses.dataclass(frozen=True)
class Path:
    """What a peer's frames carry below TCP. tags: (TPID, TCI), the outermost first."""
    family: int = 4
    tags: tuple = ()
    source: str = ""
    target: str = ""
    mac: str = "02:00:00:00:00:02"
    server_mac: str = "02:70:63:61:70:00"  # what net_pcap gives its first port

    def ethernet(self):
        frame = Ether(src=self.mac, dst=self.server_mac)
        for tpid, tci in self.tags:
            frame.lastlayer().type = tpid
            frame = frame / TPID[tpid](prio=tci >> 13, vlan=tci & 0xFFF)
        return frame

    def ip(self, **fields):
        if self.family == 4:
            return self.ethernet() / IP(src=self.source, dst=self.target, **fields)
        return self.ethernet() / IPv6(src=self.source, dst=self.target, **fields)


@dataclasses.dataclass
class Peer:
    """One client port talking to one port of riposte's. iss, riposte's initial sequence number,
    is known after a first run."""
    path: Path
    port: int
    service: int
    isn: int = 1000
    iss: int = 0
    tsval: int = 0

    def frame(self, spec, **ip_fields):
        """A frame out of a segment's text. "ts 7 *" echoes riposte's TSval."""
        found = SPEC.fullmatch(spec)
        assert found, f"cannot read {spec!r}"
        flags = found["flags"].replace("-", "")
        ack = 0 if found["ack"] is None else (self.iss + int(found["ack"])) & M32
        text = bytes(int(found["len"] or 0))
        options = options_bytes((found["options"] or "").replace("*", str(self.tsval)))
        segment = TCP(sport=self.port, dport=self.service, flags=flags,
                      seq=(self.isn + int(found["seq"])) & M32, ack=ack,
                      window=int(found["win"] or 65535), urgptr=int(found["urg"] or 0),
                      dataofs=5 + len(options) // 4)
        return bytes(self.path.ip(**ip_fields) / segment / Raw(options + text))

    def text(self, tcp, length):
        """A reply as text, in this peer's relative numbers."""
        header = tcp.original[:4 * tcp.dataofs]
        flags = str(tcp.flags) or "-"
        out = [f"{flags} seq {self._sequence(tcp)}"]
        if tcp.flags.A:
            out.append(f"ack {signed(tcp.ack - self.isn)}")
        if length > len(header):
            out.append(f"len {length - len(header)}")
        out.append(f"win {tcp.window}")
        if options := options_text(header[20:]):
            out.append(f"<{options}>")
        return " ".join(out)

    def _sequence(self, tcp):
        """A RST for no connection has SEQ 0, which is not riposte's initial one."""
        if tcp.flags.R and tcp.seq in (0, self.iss):
            return 0 if tcp.seq == 0 else "iss"
        return signed(tcp.seq - self.iss)


def signed(number):
    """A difference of sequence numbers, as a small number either way."""
    number &= M32
    return number - (1 << 32) if number >> 31 else number
