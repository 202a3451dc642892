# SPDX-License-Identifier: BSD-3-Clause
"""ARP, neighbour discovery and ping: RFC 826, RFC 4861, RFC 792 and RFC 4443, packet by packet,
for every owned address, in every VLAN."""
import dataclasses
import socket
import struct

import pytest
from scapy.all import (ARP, Ether, ICMP, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA,
                       ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IP, IPv6, Raw)
from scapy.utils import checksum
from scapy.utils6 import in6_getnsma, in6_getnsmac

from notation import Path
from replay import SERVER_MAC, run
from variants import QINQ, VLAN

CONF = """
host { owns = { "10.9.0.1", "198.51.100.0/24", "fd09::1", "2001:db8:1::/64" } connections = 1000 }
"""
MINE = "02:00:00:00:00:02"
OWNED4 = ["10.9.0.1", "198.51.100.0", "198.51.100.77", "198.51.100.255"]
OWNED6 = ["fd09::1", "2001:db8:1::", "2001:db8:1::1", "2001:db8:1:0:ffff:ffff:ffff:ffff"]
STRANGE4 = ["10.9.0.0", "10.9.0.2", "198.51.99.255", "198.51.101.0"]
STRANGE6 = ["fd09::", "fd09::2", "2001:db8:1:1::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff"]
TAGS = {"untagged": (), "vlan": VLAN, "qinq": QINQ}


@pytest.fixture(params=TAGS)
def tags(request):
    return TAGS[request.param]


def path(tags, family=4, **fields):
    return Path(family, tags, mac=MINE, **fields)


def untagged(frame):
    """The frame without its tags, parsed, and the tags."""
    tags = []
    while frame[12:14] in (b"\x81\x00", b"\x88\xa8"):
        tags.append(struct.unpack("!HH", frame[12:16]))
        frame = frame[:12] + frame[16:]
    return Ether(frame), tuple(tags)


def exchange(frames, directory, name, tags, conf=CONF):
    """Runs the frames; the replies come back parsed, each checked to be in the tags it was asked
    in."""
    replies, counters = run([bytes(frame) for frame in frames], conf, directory / name)
    parsed = [untagged(reply) for reply in replies]
    assert all(came == tags for _, came in parsed), parsed
    for packet, _ in parsed:
        assert packet.src == SERVER_MAC
    return [packet for packet, _ in parsed], counters


def arp(tags, target, source="10.9.0.2", ether=None, **fields):
    frame = dataclasses.replace(path(tags), server_mac=ether or "ff:ff:ff:ff:ff:ff").ethernet()
    return frame / ARP(**{"op": 1, "hwsrc": MINE, "psrc": source, "hwdst": "00:00:00:00:00:00",
                          "pdst": target, **fields})


def test_rfc826_request_for_every_owned_address(tags, tmp_path):
    replies, counters = exchange([arp(tags, a) for a in OWNED4], tmp_path, "arp", tags)
    assert [reply[ARP].psrc for reply in replies] == OWNED4
    for reply in replies:
        a = reply[ARP]
        assert (a.op, a.hwtype, a.ptype, a.hwlen, a.plen) == (2, 1, 0x0800, 6, 4)
        assert (a.hwsrc, a.hwdst, a.pdst) == (SERVER_MAC, MINE, "10.9.0.2")
        assert reply.dst == MINE
    assert counters["answered"] == len(OWNED4)


def test_rfc826_unicast_request_and_probe(tmp_path):
    """A unicast request is answered as well, and so is a probe (RFC 5227: sender 0.0.0.0)."""
    frames = [arp((), "10.9.0.1", ether=SERVER_MAC), arp((), "10.9.0.1", source="0.0.0.0")]
    replies, _ = exchange(frames, tmp_path, "unicast", ())
    assert [(r[ARP].op, r[ARP].psrc, r[ARP].pdst) for r in replies] == [
        (2, "10.9.0.1", "10.9.0.2"), (2, "10.9.0.1", "0.0.0.0")]


def test_rfc826_what_is_not_answered(tags, tmp_path):
    frames = [arp(tags, a) for a in STRANGE4]
    frames += [arp(tags, "10.9.0.1", op=3), arp(tags, "10.9.0.1", op=0)]
    frames += [arp(tags, "10.9.0.1", hwtype=6), arp(tags, "10.9.0.1", ptype=0x86DD)]
    frames += [arp(tags, "10.9.0.1", source="10.9.0.1"), arp(tags, "10.9.0.1", source="224.0.0.1")]
    replies, counters = exchange(frames, tmp_path, "silent", tags)
    assert replies == []
    assert counters.dropped == {"arp_not_ours": 4, "arp_operation": 2, "arp_malformed": 2,
                                "arp_source": 2}


def test_rfc826_a_reply_is_consumed(tmp_path):
    """It is lawful, and riposte keeps no table that it could go into."""
    replies, counters = exchange([arp((), "10.9.0.1", op=2, ether=SERVER_MAC)], tmp_path, "r", ())
    assert replies == []
    assert counters["consumed"] == 1 and counters.dropped == {}


def solicit(tags, target, source="fd09::2", unicast=False, options=True, **fields):
    group = socket.inet_ntop(socket.AF_INET6,
                             in6_getnsma(socket.inet_pton(socket.AF_INET6, target)))
    mac = SERVER_MAC if unicast else in6_getnsmac(socket.inet_pton(socket.AF_INET6, group))
    frame = dataclasses.replace(path(tags, 6), server_mac=mac).ethernet()
    frame /= IPv6(**{"src": source, "dst": target if unicast else group, "hlim": 255, **fields})
    frame /= ICMPv6ND_NS(tgt=target)
    return frame / ICMPv6NDOptSrcLLAddr(lladdr=MINE) if options else frame


def check_advertisement(reply, target, to, solicited):
    assert reply[IPv6].hlim == 255, "RFC 4861 7.1.2"
    assert (reply[IPv6].src, reply[IPv6].dst) == (target, to)
    na = reply[ICMPv6ND_NA]
    assert (na.tgt, na.R, na.S, na.O) == (target, 0, solicited, 1), "RFC 4861 7.2.4"
    assert na.code == 0 and na[ICMPv6NDOptDstLLAddr].lladdr == SERVER_MAC
    check_icmp6(reply)


def check_icmp6(reply):
    data = reply[IPv6].original
    length = reply[IPv6].plen
    assert checksum(data[8:40] + struct.pack("!II", length, 58) + data[40:40 + length]) == 0


@pytest.mark.parametrize("unicast", (False, True), ids=("multicast", "unicast"))
def test_rfc4861_7_2_4_solicitation_for_every_owned_address(unicast, tags, tmp_path):
    frames = [solicit(tags, target, unicast=unicast) for target in OWNED6]
    replies, counters = exchange(frames, tmp_path, "ns", tags)
    assert len(replies) == len(OWNED6)
    for reply, target in zip(replies, OWNED6):
        check_advertisement(reply, target, "fd09::2", 1)
        assert reply.dst == MINE
    assert counters["answered"] == len(OWNED6)


def test_rfc4861_7_2_3_without_source_address_option(tmp_path):
    """It may be left out of a unicast solicitation; the answer goes where the frame came from."""
    replies, _ = exchange([solicit((), "fd09::1", unicast=True, options=False)], tmp_path, "o", ())
    check_advertisement(replies[0], "fd09::1", "fd09::2", 1)
    assert replies[0].dst == MINE


def test_rfc4861_7_2_4_duplicate_address_detection(tmp_path):
    """From the unspecified address: the answer goes to all nodes and is not solicited."""
    replies, _ = exchange([solicit((), "fd09::1", source="::", options=False)], tmp_path, "d", ())
    check_advertisement(replies[0], "fd09::1", "ff02::1", 0)
    assert replies[0].dst == "33:33:00:00:00:01"


def test_rfc4861_7_1_1_what_is_not_valid_is_dropped(tags, tmp_path):
    cut = bytes(solicit(tags, "fd09::1", unicast=True, options=False))
    code = solicit(tags, "fd09::1")
    code[ICMPv6ND_NS].code = 1
    group = solicit(tags, "fd09::1")
    group[ICMPv6ND_NS].tgt = "ff02::1"
    zero = solicit(tags, "fd09::1")
    zero[ICMPv6NDOptSrcLLAddr].len = 0
    past = solicit(tags, "fd09::1")
    past[ICMPv6NDOptSrcLLAddr].len = 2
    malformed = [
        solicit(tags, "fd09::1", hlim=254), code, group, zero, past,
        solicit(tags, "fd09::1", source="::"),                             # with the option
        solicit(tags, "fd09::1", source="::", unicast=True, options=False),  # not to the group
    ]
    strange = [solicit(tags, target) for target in STRANGE6]
    strange += [solicit(tags, target, unicast=True, dst="fd09::1") for target in STRANGE6[:1]]
    bad_sum = solicit(tags, "fd09::1")
    bad_sum[ICMPv6ND_NS].cksum = 1
    replies, counters = exchange([*malformed, *strange, bad_sum, cut[:-4]], tmp_path, "bad", tags)
    assert replies == []
    assert counters.dropped == {"nd_malformed": len(malformed), "nd_not_ours": len(strange),
                                "icmp_checksum": 1, "ip_header": 1}


def echo4(tags, target, load, **fields):
    return path(tags, 4, source="10.9.0.2", target=target).ip(**fields) / \
        ICMP(type=8, id=0x1234, seq=7) / Raw(load)


def echo6(tags, target, load, **fields):
    return path(tags, 6, source="fd09::2", target=target).ip(**fields) / \
        ICMPv6EchoRequest(id=0x1234, seq=7, data=load)


LOADS = [b"", b"x", bytes(range(56)), bytes(range(256)) * 5]


@pytest.mark.parametrize("load", LOADS, ids=lambda load: f"{len(load)}bytes")
def test_rfc792_echo(load, tags, tmp_path):
    replies, counters = exchange([echo4(tags, a, load, tos=0xB8, ttl=3) for a in OWNED4],
                                 tmp_path, "ping", tags)
    assert [reply[IP].src for reply in replies] == OWNED4
    for reply in replies:
        assert (reply[IP].dst, reply[IP].ttl, reply.dst) == ("10.9.0.2", 64, MINE)
        icmp = reply[IP].original[20:reply[IP].len]
        assert icmp[:2] == b"\0\0" and icmp[4:8] == b"\x12\x34\0\x07" and icmp[8:] == load
        assert checksum(icmp) == 0 and checksum(reply[IP].original[:20]) == 0
    assert counters["answered"] == len(OWNED4)


@pytest.mark.parametrize("load", LOADS, ids=lambda load: f"{len(load)}bytes")
def test_rfc4443_4_2_echo(load, tags, tmp_path):
    replies, counters = exchange([echo6(tags, a, load, tc=0xB8, hlim=3) for a in OWNED6],
                                 tmp_path, "ping", tags)
    assert [reply[IPv6].src for reply in replies] == OWNED6
    for reply in replies:
        assert (reply[IPv6].dst, reply[IPv6].hlim, reply.dst) == ("fd09::2", 64, MINE)
        answer = reply[ICMPv6EchoReply]
        assert (answer.code, answer.id, answer.seq, answer.data) == (0, 0x1234, 7, load)
        check_icmp6(reply)
    assert counters["answered"] == len(OWNED6)


def test_icmp_that_is_not_an_echo_request_draws_nothing(tags, tmp_path):
    """What a host may be told (RFC 1122 3.2.2) is consumed, what it would have to answer and
    riposte does not offer is dropped."""
    def icmp(kind):
        return path(tags, 4, source="10.9.0.2", target="10.9.0.1").ip() / ICMP(type=kind) / Raw(
            bytes(40))

    told, asked = [0, 3, 4, 5, 11, 12], [13, 15, 17, 200]
    replies, counters = exchange([icmp(kind) for kind in told + asked], tmp_path, "types", tags)
    assert replies == []
    assert counters["consumed"] == len(told)
    assert counters.dropped == {"icmp_type": len(asked)}
