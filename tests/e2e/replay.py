# SPDX-License-Identifier: BSD-3-Clause
"""replay - riposte between two pcap files: frames in, replies out."""
import dataclasses
import re
import struct

from scapy.all import Ether, ICMP, IP, IPv6, TCP
from scapy.utils import RawPcapReader, RawPcapWriter, checksum

from netns import unique
from notation import Path, Peer
from responder import Riposte

SEED = "000102030405060708090a0b0c0d0e0f"
SERVER_MAC = "02:70:63:61:70:00"
SERVER = {4: "10.9.0.1", 6: "fd09::1"}
CLIENT = {4: "10.9.0.2", 6: "fd09::2"}
# More than riposte takes in one burst: frames on either side are never in the same one.
BARRIER = 64
PORT = 20000  # the first client port


def run(frames, conf, directory, options=()):
    """Runs riposte on frames until it has been idle; returns what it sent and its counters."""
    directory.mkdir(parents=True, exist_ok=True)
    with_in, with_out = directory / "in.pcap", directory / "out.pcap"
    write(with_in, frames)
    riposte = Riposte(conf, directory, unique("f"),
                      devices=[f"net_pcap0,rx_pcap={with_in},tx_pcap={with_out}"],
                      options=["--seed", SEED, "--exit-idle", "100ms", *options])
    riposte.start()
    counters = riposte.finish()
    assert counters["rx"] == len(frames), f"{len(frames)} frames, {counters}"
    return [data for data, _ in RawPcapReader(str(with_out))], counters


def write(path, frames):
    writer = RawPcapWriter(str(path), linktype=1, sync=True)
    writer.write_header(None)
    for frame in frames:
        writer.write_packet(frame, sec=0, usec=0, caplen=len(frame), wirelen=len(frame))
    writer.close()


def ping(number):
    """An echo request to mark a place, and nothing else."""
    return bytes(Ether(src="02:00:00:00:00:99", dst=SERVER_MAC) /
                 IP(src="10.9.99.99", dst=SERVER[4]) / ICMP(type=8, id=0xBA44, seq=number))


def barrier(number):
    return [ping(number)] * BARRIER


def is_barrier(packet):
    return ICMP in packet and packet[ICMP].type == 0 and packet[ICMP].id == 0xBA44


@dataclasses.dataclass
class Case:
    """One connection, step by step: what the client sends (None: nothing) and what riposte sends
    in answer, in the notation of notation.py: text, a list, or None. In what is expected, "*" is
    anything, {mss} riposte's MSS, and a set holds texts of which any one will do. opening is the
    SYN whose SYN-ACK has to be known beforehand, "" for none: the first step's, unless given."""
    name: str
    service: int
    steps: list
    opening: str = None

    def __post_init__(self):
        if self.opening is None:
            first = self.steps[0][0] or ""
            self.opening = first if first.startswith("S ") else ""

    def expected(self, step, family):
        expected = self.steps[step][1]
        if expected is None:
            return []
        return [_alternatives(e, family)
                for e in (expected if isinstance(expected, list) else [expected])]


def _alternatives(expected, family):
    texts = expected if isinstance(expected, set) else {expected}
    return {text.replace("{mss}", {4: "1460", 6: "1440"}[family]) for text in texts}


def matches(came, alternatives):
    patterns = (re.escape(text).replace(r"\*", "[^ ,>]+") for text in alternatives)
    return any(re.fullmatch(pattern, came) for pattern in patterns)


class Replay:
    """Many cases at once, each on a client port of its own, all in the same step at a time.
    isn: the client's initial sequence number."""

    def __init__(self, cases, path, conf, directory, isn=1000):
        self.cases = cases
        self.conf = conf
        self.directory = directory
        self.path = dataclasses.replace(path, source=path.source or CLIENT[path.family],
                                        target=path.target or SERVER[path.family])
        self.peers = {case.name: Peer(self.path, PORT + i, case.service, isn)
                      for i, case in enumerate(cases)}
        assert len(self.peers) == len(cases), "two cases of one name"
        self.counters = None
        self.came = {case.name: [[] for _ in case.steps] for case in cases}
        self.late = {case.name: [] for case in cases}  # what timers sent after the last step

    def play(self):
        """Twice: the first run has only the SYNs and learns what they draw, for with --seed the
        same SYN draws the same SYN-ACK every time."""
        opening = [self.peers[case.name].frame(case.opening) for case in self.cases if case.opening]
        if opening:
            replies, _ = run(opening, self.conf, self.directory / "learn")
            for data in replies:
                self._learn(Ether(data))
        frames = []
        for step in range(max(len(case.steps) for case in self.cases)):
            for case in self.cases:
                if step < len(case.steps) and case.steps[step][0] is not None:
                    frames.append(self.peers[case.name].frame(case.steps[step][0]))
            frames += barrier(step)
        replies, self.counters = run(frames, self.conf, self.directory / "play")
        self._sort(replies, step + 1)
        return self

    def _case_of(self, packet):
        number = packet[TCP].dport - PORT
        assert 0 <= number < len(self.cases), f"a segment to nobody: {packet.summary()}"
        return self.cases[number], self.peers[self.cases[number].name]

    def _learn(self, packet):
        case, peer = self._case_of(packet)
        assert packet[TCP].flags == "SA", f"{case.name}: {packet.summary()}"
        peer.iss = packet[TCP].seq
        peer.tsval = dict(packet[TCP].options).get("Timestamp", (0, 0))[0]

    def _sort(self, replies, steps):
        """Each reply to the case and the step that drew it. The barriers' answers end a step; what
        comes after the last one was a timer's."""
        pings = 0
        for data in replies:
            packet = Ether(data)
            if is_barrier(packet):
                pings += 1
                continue
            case, peer = self._case_of(packet)
            length = check_envelope(packet, peer.path)
            assert (packet[TCP].sport, packet[TCP].dport) == (peer.service, peer.port)
            step = pings // BARRIER
            text = peer.text(packet[TCP], length)
            if step < len(case.steps):
                self.came[case.name][step].append(text)
            else:
                self.late[case.name].append(text)
        assert pings == steps * BARRIER, "not every ping was answered"

    def check(self, case):
        """For a test: what came for this case is what was expected of it."""
        good, told = True, [case.name]
        for step, (sent, _) in enumerate(case.steps):
            expected = case.expected(step, self.path.family)
            came = self.came[case.name][step]
            told += [f"  {sent or '-'}", f"    expected {expected}", f"    came     {came}"]
            good = good and len(came) == len(expected) and all(map(matches, came, expected))
        assert good, "\n".join(told)


def check_envelope(packet, path):
    """rules.md section 3, "IP fields of every reply", for a TCP reply. Returns the length of the
    TCP segment."""
    assert (packet[Ether].src, packet[Ether].dst) == (path.server_mac, path.mac)
    layer, tags = packet[Ether], []
    while layer.type in (0x8100, 0x88A8):
        tags.append((layer.type, layer.payload.prio << 13 | layer.payload.vlan))
        layer = layer.payload
    assert tuple(tags) == path.tags, f"VLAN tags {tags} for {path.tags}"
    if path.family == 4:
        ip = packet[IP]
        assert (ip.tos, ip.id, ip.flags, ip.frag, ip.ttl) == (0, 0, "DF", 0, 64), ip.show(dump=True)
        assert not ip.options
        length = ip.len - 20
    else:
        ip = packet[IPv6]
        assert (ip.tc, ip.hlim, ip.nh) == (0, 64, 6), ip.show(dump=True)
        length = ip.plen
    assert (ip.src, ip.dst) == (path.target, path.source)
    assert packet[TCP].reserved == 0 and not packet[TCP].urgptr
    check_checksums(packet, length)
    return length


def check_checksums(packet, length):
    """A sum over what a checksum covers, itself included, comes to nothing."""
    if IP in packet:
        assert checksum(packet[IP].original[:20]) == 0, "IPv4 header checksum"
        ends = packet[IP].original[12:20]
    else:
        ends = packet[IPv6].original[8:40]
    segment = packet[TCP].original[:length]
    assert checksum(ends + struct.pack("!II", length, 6) + segment) == 0, "TCP checksum"


__all__ = ["Case", "Path", "Replay", "run", "SERVER", "CLIENT", "SERVER_MAC"]
