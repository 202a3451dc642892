# SPDX-License-Identifier: BSD-3-Clause
"""badframes - every kind of frame that rules.md section 2 drops, as (name, frame, counter). The
counter is written down from the meanings in lib/drop.def."""
import struct

from scapy.all import (Ether, ICMP, ICMPv6EchoRequest, IP, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, TCP, UDP)
from scapy.utils import checksum

from notation import Path

SERVER_MAC = "02:70:63:61:70:00"
CLIENT = {4: "10.9.0.2", 6: "fd09::2"}
SERVER = {4: "10.9.0.1", 6: "fd09::1"}
OURS_TOO = {4: "10.9.0.4", 6: "fd09::4"}  # owned as well
TYPE = {4: b"\x08\x00", 6: b"\x86\xdd"}
LISTENING = 80


class Maker:
    """Frames of one family in one set of VLAN tags."""

    def __init__(self, family, tags=()):
        self.family = family
        self.tags = tags
        self.path = Path(family, tags, source=CLIENT[family], target=SERVER[family])
        self.l3 = 14 + 4 * len(tags)
        self.l4 = self.l3 + (20 if family == 4 else 40)

    def ip(self, src=None, dst=None, **fields):
        packet = self.path.ip(**fields)
        layer = packet[IP if self.family == 4 else IPv6]
        layer.src, layer.dst = src or layer.src, dst or layer.dst
        return packet

    @staticmethod
    def tcp(text=b"", **fields):
        return TCP(**{"sport": 30000, "dport": LISTENING, "flags": "S", "seq": 1000,
                      **fields}) / Raw(text)

    def syn(self, text=b"", src=None, dst=None, **fields):
        """A SYN to the listener, good in everything that fields do not spoil."""
        return bytes(self.ip(src, dst) / self.tcp(text, **fields))

    def patched(self, frame, at, data):
        """frame with bytes replaced at an offset from the IP header, its checksum made good."""
        at += self.l3
        frame = frame[:at] + data + frame[at + len(data):]
        return self.summed(frame)

    def summed(self, frame):
        """frame with a good IPv4 header checksum, if it has one."""
        size = (frame[self.l3] & 15) * 4
        if self.family != 4 or size < 12 or len(frame) < self.l3 + size:
            return frame
        header = frame[self.l3:self.l3 + 10] + b"\0\0" + frame[self.l3 + 12:self.l3 + size]
        return (frame[:self.l3 + 10] + struct.pack("!H", checksum(header)) +
                frame[self.l3 + 12:])

    def with_length(self, frame, length):
        """frame saying that so many bytes follow the Ethernet header (and its tags)."""
        if self.family == 4:
            return self.patched(frame, 2, struct.pack("!H", length))
        return self.patched(frame, 4, struct.pack("!H", length - 40))

    def to_mac(self, mac, frame):
        return bytes.fromhex(mac.replace(":", "")) + frame[6:]


def truncated(make):
    """Cut at every length; then cut with an IP length that agrees."""
    syn = make.syn()
    for length in range(1, len(syn)):
        yield f"cut_to_{length}", syn[:length], "l2_runt" if length < make.l3 else "ip_header"
    for length in range(make.l4 + 1, make.l4 + 20):
        yield (f"tcp_cut_to_{length - make.l4}",
               make.with_length(syn[:length], length - make.l3), "tcp_header")


def lengths(make):
    """Each length field wrong: those of TCP, of IPv4 and of IPv6."""
    syn = make.syn()
    for words in range(5):
        yield f"data_offset_{words}", make.syn(dataofs=words), "tcp_header"
    for words in range(6, 16):
        yield f"data_offset_{words}_of_5", make.syn(dataofs=words), "tcp_header"
    for text in range(1, 40):
        yield f"data_offset_past_{text}", make.syn(bytes(text), dataofs=15), "tcp_header"
    yield "length_past_the_frame", make.with_length(syn, len(syn) - make.l3 + 1), "ip_header"
    yield "length_65535", make.patched(syn, 2 if make.family == 4 else 4, b"\xff\xff"), "ip_header"
    for version in set(range(16)) - {make.family}:
        low = 5 if make.family == 4 else 0
        yield f"version_{version}", make.patched(syn, 0, bytes([version << 4 | low])), "ip_header"
    if make.family == 6:
        yield "payload_length_0", make.with_length(syn, 40), "ip_header"
        return
    for words in range(5):
        yield f"ihl_{words}", make.patched(syn, 0, bytes([0x40 | words])), "ip_header"
    for words in range(11, 16):
        yield f"ihl_{words}_past_the_end", make.patched(syn, 0, bytes([0x40 | words])), "ip_header"
    for total in range(20):
        yield f"total_length_{total}", make.with_length(syn, total), "ip_header"


def checksums(make):
    """One bit of the checksum, and one bit of whatever it covers, wrong; and no checksum."""
    syn = make.syn(b"text that is covered")
    for bit in range(16):
        yield (f"tcp_checksum_bit_{bit}",
               flip(syn, make.l4 + 16, 1 << bit), "tcp_checksum")
        if make.family == 4:
            yield f"ip_checksum_bit_{bit}", flip(syn, make.l3 + 10, 1 << bit), "ip_checksum"
    for at in range(make.l4, len(syn)):
        if at not in (make.l4 + 12, make.l4 + 16, make.l4 + 17):
            yield f"tcp_byte_{at - make.l4}", flip8(syn, at), "tcp_checksum"
    yield "tcp_checksum_0", syn[:make.l4 + 16] + b"\0\0" + syn[make.l4 + 18:], "tcp_checksum"
    address = make.l3 + (12 if make.family == 4 else 8)
    other = make.patched(syn, address - make.l3 + (3 if make.family == 4 else 15), b"\x09")
    yield "pseudo_header", other, "tcp_checksum"
    if make.family == 4:
        for at in (1, 4, 5, 8):
            yield f"ip_byte_{at}", flip8(syn, make.l3 + at), "ip_checksum"


def flip(frame, at, mask):
    word = struct.unpack_from("!H", frame, at)[0] ^ mask
    return frame[:at] + struct.pack("!H", word) + frame[at + 2:]


def flip8(frame, at):
    return frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1:]


def addresses(make):
    """LAND, group and broadcast addresses at either end, in every layer."""
    v4 = make.family == 4
    bad = (["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.1.2.3",
            "240.0.0.1", "255.255.255.255"] if v4 else
           ["::1", "ff02::1", "ff02::1:ff00:1", "ff0e::1", "::"])
    for address in bad:
        yield f"from_{address}", make.syn(src=address), "ip_source"
    yield "land", make.syn(src=SERVER[make.family], sport=LISTENING), "ip_source"
    yield "from_ourselves", make.syn(src=OURS_TOO[make.family]), "ip_source"
    groups = (["224.0.0.1", "239.1.2.3", "255.255.255.255", "0.0.0.0", "127.0.0.1"] if v4 else
              ["ff02::1", "ff02::1:ff00:1", "ff0e::1", "::1", "::"])
    strangers = ["10.9.0.255", "10.9.255.255", "10.9.0.3"] if v4 else ["fd09::3", "2001:db8::1"]
    for address in groups + strangers:
        yield f"to_{address}", make.syn(dst=address), "ip_not_ours"
    for mac in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01",
                "02:70:63:61:70:01"):
        yield f"to_mac_{mac}", make.to_mac(mac, make.syn()), "l2_not_ours"
    yield "broadcast_in_both_layers", make.to_mac(
        "ff:ff:ff:ff:ff:ff", make.syn(dst="255.255.255.255" if v4 else "ff02::1")), "l2_not_ours"
    from_group = make.syn()
    yield "from_a_group_mac", from_group[:6] + b"\x01" + from_group[7:], "l2_source"


def ports(make):
    yield "port_0_here", make.syn(dport=0), "tcp_port_zero"
    yield "port_0_there", make.syn(sport=0), "tcp_port_zero"
    yield "port_0_both", make.syn(sport=0, dport=0), "tcp_port_zero"
    yield "port_0_ack", make.syn(sport=0, flags="A"), "tcp_port_zero"
    yield "stray_rst", make.syn(flags="R"), "tcp_stray_rst"
    yield "stray_rst_to_a_closed_port", make.syn(flags="RA", dport=9), "tcp_stray_rst"


def protocols(make):
    """What is neither TCP nor ICMP, above and below IP."""
    yield "udp", bytes(make.ip() / UDP(sport=5, dport=80) / Raw(b"x")), "ip_protocol"
    field = "proto" if make.family == 4 else "nh"
    for number in (2, 41, 47, 50, 132, 255) + ((0, 43, 60, 58) if make.family == 4 else (1,)):
        yield (f"protocol_{number}",
               bytes(make.ip(**{field: number}) / Raw(bytes(64))), "ip_protocol")
    other = 12 + 4 * len(make.tags)
    for kind in ("88cc", "8863", "05dc", "0026", "0000", "ffff"):
        frame = make.syn()
        yield (f"ethertype_{kind}",
               frame[:other] + bytes.fromhex(kind) + frame[other + 2:], "l2_type")
    wrong = make.syn()
    yield ("the_other_ip", wrong[:other] + TYPE[10 - make.family] + wrong[other + 2:], "ip_header")
    deep = make.syn()
    more = b"\x81\x00\x00\x05" * (3 - len(make.tags))
    yield "three_tags", deep[:12] + more + deep[12:], "l2_vlan_depth"


def fragments(make):
    if make.family == 4:
        for name, fields in [("first", {"flags": "MF"}), ("middle", {"flags": "MF", "frag": 8}),
                             ("last", {"frag": 8}), ("tiny_offset", {"frag": 1}),
                             ("far", {"frag": 8191})]:
            yield f"fragment_{name}", bytes(make.ip(**fields) / make.tcp()), "ip_fragment"
        return
    for name, fields in [("first", {"m": 1}), ("middle", {"m": 1, "offset": 8}),
                         ("last", {"offset": 8}), ("far", {"offset": 8191})]:
        yield (f"fragment_{name}",
               bytes(make.ip() / IPv6ExtHdrFragment(**fields) / make.tcp()), "ip_fragment")


def headers(make):
    """IPv4 options, IPv6 extension headers."""
    if make.family == 4:
        for kind in (131, 137):
            option = bytes([kind, 7, 4]) + bytes([10, 9, 0, 9]) + b"\0"
            yield f"source_route_{kind}", with_ip_options(make, option), "ip_source_route"
            yield (f"source_route_{kind}_behind_nops",
                   with_ip_options(make, b"\1" * 4 + option), "ip_source_route")
        yield "option_past_the_end", with_ip_options(make, b"\x07\xc8\x04\0"), "ip_header"
        yield "option_length_0", with_ip_options(make, b"\x07\x00\x04\0"), "ip_header"
        yield "option_length_1", with_ip_options(make, b"\x07\x01\x04\0"), "ip_header"
        yield "option_without_length", with_ip_options(make, b"\1\1\1\x07"), "ip_header"
        return
    segment = make.tcp()
    yield ("routing_header", bytes(make.ip() / IPv6ExtHdrRouting(addresses=["fd09::9"]) / segment),
           "ip_source_route")
    yield ("hop_by_hop_not_first",
           bytes(make.ip() / IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop() / segment), "ip_extension")
    for name, number in (("hop_by_hop", 0), ("routing", 43), ("destination", 60)):
        past = struct.pack("!BB", 6, 255) + bytes(6)
        yield (f"{name}_past_the_end",
               bytes(make.ip(nh=number) / Raw(past + bytes(segment))), "ip_extension")
        yield f"{name}_cut", bytes(make.ip(nh=number) / Raw(b"\x06")), "ip_extension"
    yield "fragment_header_cut", bytes(make.ip(nh=44) / Raw(b"\x06\0\0\0")), "ip_extension"
    for name, option in (("past_the_end", b"\x01\x40"), ("without_length", b"\0\0\0\0\0\x01"),
                         ("that_must_be_known", b"\x80\x04")):
        body = struct.pack("!BB", 6, 0) + (option + bytes(6))[:6]
        yield (f"hop_by_hop_option_{name}",
               bytes(make.ip(nh=0) / Raw(body + bytes(segment))), "ip_extension")
    yield ("chain_that_only_loops",
           bytes(make.ip(nh=60) / Raw(bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 40)), "ip_extension")


def with_ip_options(make, options):
    syn = make.syn()
    frame = syn[:make.l4] + options + syn[make.l4:]
    frame = make.patched(frame, 0, bytes([0x45 + len(options) // 4]))
    return make.with_length(frame, len(frame) - make.l3)


def icmp(make):
    if make.family == 4:
        echo = bytes(make.ip() / ICMP(type=8, id=1, seq=1) / Raw(b"0123456789"))
        sum_at = make.l4 + 2
    else:
        echo = bytes(make.ip() / ICMPv6EchoRequest(id=1, seq=1, data=b"0123456789"))
        sum_at = make.l4 + 2
    for length in range(1, 8):
        yield (f"echo_cut_to_{length}",
               make.with_length(echo[:make.l4 + length], make.l4 - make.l3 + length),
               "icmp_malformed")
    yield "echo_checksum", flip(echo, sum_at, 1), "icmp_checksum"
    yield "echo_byte", flip8(echo, len(echo) - 1), "icmp_checksum"


def arp_cut(make):
    """Only once, for IPv4: an ARP request cut at every length."""
    if make.family == 6:
        return
    tags = b"".join(struct.pack("!HH", *tag) for tag in make.tags)
    frame = (bytes(Ether(src=make.path.mac, dst="ff:ff:ff:ff:ff:ff"))[:12] + tags +
             b"\x08\x06" + bytes.fromhex("0001080006040001020000000002") + bytes([10, 9, 0, 2]) +
             bytes(6) + bytes([10, 9, 0, 1]))
    for length in range(make.l3, len(frame)):
        yield f"arp_cut_to_{length - make.l3}", frame[:length], "arp_malformed"
    for at, value, what in ((0, 2, "hardware"), (2, 9, "protocol"), (4, 5, "hardware_length"),
                            (5, 16, "protocol_length")):
        at += make.l3 + (1 if at < 4 else 0)
        yield (f"arp_{what}", frame[:at] + bytes([value]) + frame[at + 1:], "arp_malformed")


def oversize(make):
    """Longer than one buffer, whatever is in it."""
    yield "5000_bytes", make.syn(bytes(5000 - make.l4 - 20)), "segmented"


KINDS = [truncated, lengths, checksums, addresses, ports, protocols, fragments, headers, icmp,
         arp_cut, oversize]
