# SPDX-License-Identifier: BSD-3-Clause
"""Bad frames: rules.md section 2. Each ends in the one counter that badframes.py names, draws
nothing, and a live connection in the same bursts does not notice."""
import collections

import pytest
from scapy.all import Ether, IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.all import TCP

import badframes
from notation import Path, Peer
from replay import check_envelope, run
from variants import QINQ, VLAN

CONF = """
host { owns = { "10.9.0.1", "10.9.0.4", "fd09::1", "fd09::4" } connections = 1000 }
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 1000 }
"""
MAKERS = {"ip4": (4, ()), "ip6": (6, ()), "ip4_vlan": (4, VLAN), "ip6_qinq": (6, QINQ)}
MAKERS = {name: badframes.Maker(*of) for name, of in MAKERS.items()}
BAD = {f"{kind.__name__}-{name}": list(kind(make))
       for kind in badframes.KINDS for name, make in MAKERS.items()
       if make.family == 4 or kind is not badframes.arp_cut}


class Live:
    """A lawful connection, one segment of a byte at a time, while the bad frames come."""

    def __init__(self, directory):
        path = Path(4, source="10.9.0.3", target="10.9.0.1", mac="02:00:00:00:00:03")
        self.peer = Peer(path, 40000, 80)
        replies, _ = run([self.peer.frame("S seq 0")], CONF, directory / "learn")
        self.peer.iss = Ether(replies[0])[TCP].seq
        self.sent = 0

    def opening(self):
        return [self.peer.frame("S seq 0"), self.peer.frame("A seq 1 ack 1")]

    def next(self):
        self.sent += 1
        return self.peer.frame(f"PA seq {self.sent} ack 1 len 1")

    def check(self, replies):
        """A SYN-ACK, then an ACK for what had come, never less than before, in the end all."""
        packets = [Ether(reply) for reply in replies]
        texts = [self.peer.text(packet[TCP], check_envelope(packet, self.peer.path))
                 for packet in packets]
        assert texts[0] == "SA seq 0 ack 1 win 65535 <mss 1460>"
        acks = [int(text.split()[4]) for text in texts[1:]]
        assert acks == sorted(set(acks)), texts
        assert texts[-1] == f"A seq 1 ack {self.sent + 1} win {65535 - self.sent}"


def interleave(bad, live):
    """Bad frames with a segment of the live connection after every few of them."""
    frames = live.opening()
    for i, frame in enumerate(bad):
        frames.append(frame)
        if i % 7 == 0:
            frames.append(live.next())
    frames.append(live.next())
    return frames


@pytest.mark.parametrize("which", BAD)
def test_rules_2_no_answer_and_one_counter_each(which, tmp_path):
    bad = BAD[which]
    assert bad
    live = Live(tmp_path)
    replies, counters = run(interleave([frame for _, frame, _ in bad], live), CONF,
                            tmp_path / "bad")
    expected = collections.Counter(reason for _, _, reason in bad)
    if counters.dropped != expected:
        pytest.fail(one_by_one(bad, tmp_path))
    live.check(replies)


def one_by_one(bad, directory):
    """Only after a failure: which frame it was."""
    wrong = []
    for name, frame, reason in bad:
        replies, counters = run([frame], CONF, directory / name.replace(":", "_"))
        if replies or counters.dropped != {reason: 1}:
            wrong.append(f"{name}: expected {reason}, came {counters} and {len(replies)} replies")
    return "\n".join(wrong) or "each alone is counted right, together they are not"


def good_frames(make):
    """What looks odd and is lawful: (name, frame), each a SYN that has to be answered."""
    syn = make.syn()
    yield "plain", syn
    yield "ethernet_padding", syn + bytes(60)
    yield "padding_that_is_not_zero", syn + b"\xa5" * 40
    yield "reserved_bits_are_ignored", make.syn(reserved=7)
    if make.family == 4:
        for ihl, options in ((6, b"\1\1\1\0"), (7, b"\x44\x08\x05\0\0\0\0\0"),
                             (15, b"\x07\x27\x04" + bytes(36) + b"\0")):
            frame = badframes.with_ip_options(make, options)
            assert frame[make.l3] == 0x40 | ihl
            yield f"ip_options_{ihl}", frame
        yield "dont_fragment", bytes(make.ip(flags="DF") / make.tcp())
        yield "reserved_flag", bytes(make.ip(flags="evil") / make.tcp())
        yield "tos_and_ttl_1", bytes(make.ip(tos=255, ttl=1) / make.tcp())
        return
    yield "atomic_fragment", bytes(make.ip() / IPv6ExtHdrFragment(id=7) / make.tcp())
    yield "hop_by_hop", bytes(make.ip() / IPv6ExtHdrHopByHop() / make.tcp())
    yield "two_extensions", bytes(make.ip() / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() /
                                  make.tcp())
    yield "class_and_label", bytes(make.ip(tc=255, fl=0xFFFFF, hlim=1) / make.tcp())


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_rules_2_what_is_odd_and_lawful_is_answered(make, tmp_path):
    """With text and padding the SYN-ACK still acknowledges the SYN alone."""
    for name, frame in good_frames(make):
        replies, counters = run([frame], CONF, tmp_path / name)
        assert counters["answered"] == 1 and len(replies) == 1, f"{name}: {counters}"
        packet = Ether(replies[0])
        check_envelope(packet, make.path)
        assert packet[TCP].flags == "SA" and packet[TCP].ack == 1001, name


def test_3_4_padding_is_not_text(tmp_path):
    """A frame is padded to 60 bytes; the RST of a closed port acknowledges the segment alone."""
    make = badframes.Maker(4)
    frame = make.syn(dport=9, flags="") + bytes(6)
    replies, _ = run([frame], CONF, tmp_path / "padded")
    assert Ether(replies[0])[TCP].ack == 1000
    assert IP in Ether(replies[0]) and IPv6 not in Ether(replies[0])
