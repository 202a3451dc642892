#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the committed corpus, tests/fuzz/corpus/FUZZER/NAME: inputs from which the fuzzers start.
What the bytes mean is said at the top of each fuzzer. Running it again changes nothing."""
import pathlib
import struct

from scapy.all import (ARP, ICMP, IP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NS,
                       ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPOption_NOP, PadN, Raw, TCP)

CORPUS = pathlib.Path(__file__).parent / "corpus"

# fuzz_stack's operations, and the rows of tests/sim/host.c by what they do.
SEGMENT, OPERATOR, AGAIN, BYTES, TIME, BURST = 0, 3, 4, 5, 6, 7
CRASH, REACH, RELOAD, CALL = 0, 1, 2, 3
SEQ, ACK_OFFSET, OPTIONS, WINDOW = 0x08, 0x10, 0x20, 0x40
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
(SINK, HALF_READ, CLOSES, ABORTS, HALF_CLOSE, IMPATIENT, IMPATIENT_LATER, SLOW, UNREAD, NEVER,
 HANGS, SLOW_SYN_ACK, HANDSHAKE, COOKIES, SCALED, SMALL, COIN) = range(17)
(GREETS, ANSWERS, POURS, POURS_WAITS, POURS_ABORTS, POURS_NOW, BLOCKS, BLOCKS_BYTE, ECHO, SMALL_ECHO,
 TINY_ECHO, ECHO_WRITES, LATE_ECHO, IMPATIENT_ECHO) = range(22, 36)
# The calls of tests/sim/host_rows.c.
(ACCEPT, READ, READ_10, READ_4096, READ_ALL, WRITE, WRITE_NOTHING, WRITE_LINE, CALL_ECHO, SLEEP_50,
 SLEEP_3S, TIMEOUT, SHUTDOWN, LINGER, CLOSE, HANG, WRITE_LONG) = range(17)
MS, MS10, MS100, S, S10, MINUTE = 1, 2, 3, 4, 5, 6


def host(cookies=False, wraps=False, connections=62):
    return bytes([4 * cookies | 8 * wraps, connections, 0x12, 0x34])


def segment(row, flags, text=0, client=0, kinds=0):
    return bytes([SEGMENT, client | kinds, row, flags, text])


def offset(row, flags, seq=0, ack=0, text=0, client=0, kinds=0):
    """seq and ack: so many eighths from what fits."""
    return bytes([SEGMENT | SEQ | ACK_OFFSET, client | kinds, row, flags, text, seq & 255,
                  ack & 255])


def syn(row, client=0, options=0x0f):
    return bytes([SEGMENT | OPTIONS, client, row, SYN, 0, options, 0, 7]) + struct.pack(">H", 1460)


def burst():
    return bytes([BURST])


def time(unit, count=1):
    return bytes([TIME, unit | count - 1 << 3])


def operator(what, which=0, more=b""):
    return bytes([OPERATOR, what, which]) + more


def call(number, which=0):
    return operator(CALL | number << 3, which)


def windowed(row, wnd, text=0, client=0, kinds=0):
    return bytes([SEGMENT | WINDOW, client | kinds, row, ACK, text]) + struct.pack(">H", wnd)


def opened(row, client=0):
    return syn(row, client) + burst() + segment(row, ACK, client=client) + burst()


def exchange(row, client=0, text=220):
    """A connection from SYN to FIN."""
    return (opened(row, client) + segment(row, ACK | PSH, text, client) + burst() + time(MS100, 2) +
            segment(row, ACK | FIN, 0, client) + burst() + segment(row, ACK, 0, client) +
            time(S, 3))


def stories():
    everything = b"".join(exchange(row, row % 8) for row in range(17))
    yield "every-listener", host() + everything
    yield "every-listener-cookies", host(cookies=True) + everything
    yield "every-listener-clock-wraps", host(wraps=True, connections=3) + everything
    for name, row in (("sink", SINK), ("half-read", HALF_READ), ("half-close", HALF_CLOSE),
                      ("slow", SLOW), ("scaled", SCALED), ("small", SMALL)):
        yield name, host() + exchange(row) + exchange(row, client=1)
    yield "one-burst", host() + syn(SINK) + segment(SINK, ACK | PSH, 40) + segment(SINK, ACK | FIN)
    yield "blind", host() + opened(SINK) + b"".join(
        offset(SINK, flags, seq=8 * k) + burst() for flags in (RST, SYN, ACK | PSH, ACK | FIN)
        for k in (-2, -1, 1, 2)) + segment(SINK, RST)
    yield "simultaneous-close", host() + opened(CLOSES) + offset(CLOSES, ACK | FIN, ack=-8) + \
        burst() + segment(CLOSES, ACK) + time(MINUTE)
    yield "time-wait-reopens", host() + opened(HALF_CLOSE) + segment(HALF_CLOSE, ACK | FIN) + \
        burst() + bytes([SEGMENT | SEQ | OPTIONS, 0, HALF_CLOSE, SYN, 0, 0x80]) + \
        struct.pack(">I", 70000) + bytes([8, 0x80]) + struct.pack(">I", 5) + bytes(3) + burst()
    yield "zero-window", host() + opened(CLOSES) + bytes(
        [SEGMENT | WINDOW, 0, SLOW, ACK, 0, 0, 0]) + opened(SLOW) + bytes(
        [SEGMENT | WINDOW, 0, SLOW, ACK | PSH, 255, 0, 0]) * 3 + burst() + time(S, 3) + segment(
        SLOW, ACK | FIN) + burst() + time(MINUTE, 4)
    yield "backlog", host() + b"".join(opened(NEVER, client) for client in range(8)) + time(S10, 8)
    yield "table-full", host(connections=2) + b"".join(syn(SINK, c) for c in range(8)) + burst() + \
        b"".join(segment(SINK, ACK | PSH, 80, c) for c in range(8)) + burst() + time(MINUTE, 2)
    yield "stall", host() + opened(IMPATIENT) + opened(HANDSHAKE, 3) + bytes([TIME | 8, S10]) + \
        segment(IMPATIENT, ACK | PSH, 10) + burst() + time(MINUTE)
    yield "changed", host() + syn(SINK) + bytes([AGAIN, 1, 0, 47, 0x10]) + bytes(
        [AGAIN | 0x10, 1, 0, 16, 0xff]) + bytes([AGAIN | 8, 0, 0, 40])
    yield from writers()
    for name in ("arp", "ping4", "ping6", "solicitation", "bytes"):
        frame = bytes(dict(frames())[name])
        yield name, host() + bytes([BYTES | 8, len(frame)]) + frame + burst()


def writers():
    """What sends text: to a peer that takes it, and to those who do not."""
    for name, row in (("greets", GREETS), ("pours", POURS), ("pours-and-waits", POURS_WAITS),
                      ("pours-and-aborts", POURS_ABORTS), ("pours-now-and-then", POURS_NOW),
                      ("blocks", BLOCKS), ("blocks-on-each-byte", BLOCKS_BYTE),
                      ("echo-between-writes", ECHO_WRITES), ("late-echo", LATE_ECHO),
                      ("impatient-echo", IMPATIENT_ECHO)):
        acks = b"".join(segment(row, ACK) + burst() for _ in range(6))
        yield name, host() + opened(row) + segment(row, ACK | PSH, 60) + burst() + acks + \
            time(S, 2) + acks + segment(row, ACK | FIN) + burst() + acks + time(S10)
    for name, row in (("echo", ECHO), ("small-echo", SMALL_ECHO), ("tiny-echo", TINY_ECHO)):
        yield name, host(connections=61) + opened(row) + opened(row, client=1) + b"".join(
            segment(row, ACK | PSH, 4 + 40 * (k % 5), k % 2) + burst() for k in range(12)) + \
            time(MS100) + segment(row, ACK | FIN) + segment(row, ACK | FIN, client=1) + burst()
    yield "window-opens-and-closes", host() + opened(POURS_WAITS) + b"".join(
        windowed(POURS_WAITS, wnd) + burst() + time(MS100, 5) for wnd in (0, 1, 0, 5000, 0, 65535))
    yield "window-closed-for-ever", host() + opened(BLOCKS) + windowed(BLOCKS, 0) + \
        time(MINUTE, 5) + windowed(BLOCKS, 0) + time(MINUTE, 20)
    yield "duplicate-acks", host() + opened(POURS_WAITS) + segment(
        POURS_WAITS, ACK, kinds=1 << 5) * 8 + burst() + segment(POURS_WAITS, ACK) + burst()
    yield "optimistic-acks", host() + opened(POURS_WAITS) + b"".join(
        offset(POURS_WAITS, ACK, ack=120) + offset(POURS_WAITS, ACK, ack=-80) + burst()
        for _ in range(6))
    yield "reset-in-the-middle", host() + opened(POURS) + burst() + segment(POURS, RST) + burst()
    yield "echo-byte-by-byte", host(connections=61) + opened(ECHO) + (
        windowed(ECHO, 0, text=4, kinds=1 << 5) * 20 + burst()) * 4 + time(S10)
    yield "crash", host() + opened(ECHO) + segment(ECHO, ACK | PSH, 80) + burst() + \
        operator(CRASH) + segment(ECHO, ACK | PSH, 80) + burst() + opened(ECHO)
    yield "down-and-up", host() + opened(POURS_WAITS) + operator(REACH, 1) + \
        segment(POURS_WAITS, ACK) + burst() + time(S, 5) + operator(REACH, 2) + \
        syn(SINK, 1) + burst() + operator(REACH, 0) + segment(POURS_WAITS, ACK) + burst()
    yield "reload", host() + opened(ECHO) + opened(POURS_NOW, 1) + operator(
        RELOAD, 0x85, b"") + bytes(8) + segment(ECHO, ACK | PSH, 40) + opened(SINK, 2) + \
        operator(RELOAD, 3, bytes(7) + b"\x01") + segment(ECHO, ACK | PSH, 40) + burst() + \
        time(S, 3) + operator(RELOAD, 0x80, bytes(8)) + opened(SINK, 3)
    yield "calls", host() + opened(HANGS) + opened(NEVER, 1) + segment(HANGS, ACK | PSH, 210) + \
        burst() + b"".join(call(k) + burst() for k in (
            READ_10, WRITE, WRITE_NOTHING, WRITE_LONG, TIMEOUT, READ_ALL, SHUTDOWN, LINGER)) + \
        b"".join(call(k, 1) for k in (WRITE, ACCEPT, WRITE_LINE, CALL_ECHO, CLOSE)) + \
        segment(NEVER, ACK | PSH, 80, 1) + burst() + time(S, 2)


def frames():
    eth = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:10")
    ip4 = IP(src="10.8.0.1", dst="10.9.0.1")
    ip6 = IPv6(src="fd08::1", dst="fd09::1")
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (7, 0)), ("NOP", None), ("WScale", 7)]
    tcp = TCP(sport=5000, dport=80, seq=1, flags="S", options=options)
    yield "syn4", eth / ip4 / tcp
    yield "syn6", eth / ip6 / tcp
    yield "text4-vlan", eth / Dot1Q(vlan=5) / ip4 / TCP(sport=5000, dport=80, flags="PA") / b"hello"
    yield "fin6-qinq", eth / Dot1AD(vlan=5) / Dot1Q(vlan=6) / ip6 / TCP(flags="FA")
    yield "rst4", eth / ip4 / TCP(sport=5000, dport=80, seq=9, flags="R")
    yield "options4", eth / IP(src="10.8.0.1", dst="10.9.0.1", options=[IPOption_NOP()] * 4) / tcp
    yield "extensions6", eth / ip6 / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / \
        IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / tcp
    yield "atomic6", eth / ip6 / IPv6ExtHdrFragment(id=1) / tcp
    yield "arp", Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:10") / ARP(
        hwsrc="02:00:00:00:00:10", psrc="10.8.0.1", pdst="10.9.0.1")
    yield "ping4", eth / ip4 / ICMP(id=1, seq=2) / b"data"
    yield "ping6", eth / ip6 / ICMPv6EchoRequest(id=1, seq=2, data=b"data")
    yield "solicitation", Ether(dst="33:33:ff:00:00:01", src="02:00:00:00:00:10") / IPv6(
        src="fd08::1", dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(
        tgt="fd09::1") / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:10")
    yield "bytes", eth / Raw(bytes(range(64)))


SCRIPTS = {
    "calls": "accept\nread 4096\nread\nsleep 110ms\ntimeout 20s\nread all\nshutdown\nlinger 0\n"
             "close",
    "writes": "accept\nwrite \"hello\"\nwrite @page.html\necho\nwrite \"a \\\" b\"\nshutdown\n"
              "write \"late\"",
    "writes-wrong": "accept\nwrite\nwrite hello\nwrite \"\nwrite @\nwrite \"\"\necho 5",
    "hang": "sleep 2m\naccept\nhang",
    "wrong": "accept\naccept\nread 0\nread x\nlinger 1\nclose now\nwrite \"x\"\n(exit)\nsleep 1h",
    "times": "0\n0ms\n110ms\n2147483647ms\n2147483648ms\n2147483s\n35791m\n35792m\n1\nms\n-1s\n 1s",
    "addresses4": "10.9.0.1\n198.51.100.0/24\n198.51.101.0/24\n0.0.0.0/0\n255.255.255.255\n"
                  "10.9.0.1/24\n10.9.0.0/33\n10.9.0\n10.9.0.1/\n10.9.0.1/032",
    "addresses6": "fd09::1\n2001:db8:1::/64\n2001:db8:1:1::/64\n::/0\n::ffff:10.9.0.1\nfd09::1/64\n"
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\nfd09::/129\nfd09:::1",
}


def write(fuzzer, name, data):
    path = CORPUS / fuzzer / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main():
    for name, story in stories():
        write("fuzz_stack", name, story)
    for name, frame in frames():
        write("fuzz_parse", name, b"\x20" + bytes(frame))
    for name, text in SCRIPTS.items():
        write("fuzz_script", name, b"\0\0" + text.encode())
    write("fuzz_script", "no-room", b"\1\3" + SCRIPTS["calls"].encode())
    write("fuzz_script", "short-error", b"\2\4" + SCRIPTS["wrong"].encode())


if __name__ == "__main__":
    main()
