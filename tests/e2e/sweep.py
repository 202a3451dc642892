# SPDX-License-Identifier: BSD-3-Clause
"""sweep - one question asked of each of the 65,536 addresses of a prefix, in C's speed as far as
Python has it: frames are a template with the address and the checksums put in."""
import socket
import struct

WINDOW = 256  # questions in the air: fewer than the device's ring holds
ROUNDS = 20


def fold(total):
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def words(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


class Question:
    """A frame for each number: the address is put in at places, and subtracted from the checksums
    at sums, each as often as it counts there. of(frame) is the number that a frame answers for,
    or None."""

    def __init__(self, template, places, sums, of):
        self.template = template
        self.places = places
        self.sums = [(at, times, 0xFFFF ^ struct.unpack_from("!H", template, at)[0])
                     for at, times in sums]
        self.of = of

    def frame(self, number):
        out = bytearray(self.template)
        for at in self.places:
            struct.pack_into("!H", out, at, number)
        for at, times, base in self.sums:
            struct.pack_into("!H", out, at, 0xFFFF ^ fold(base + times * number))
        return out


def ask(port, question, numbers=range(65536)):
    """Asks of every number until it has answered; returns those that never did."""
    waiting = list(numbers)
    for _ in range(ROUNDS):
        missing = []
        for start in range(0, len(waiting), WINDOW):
            batch = set(waiting[start:start + WINDOW])
            for number in batch:
                port.send(question.frame(number))
            for frame in port.receive(0.5):
                batch.discard(question.of(frame))
                if not batch:
                    break
            missing += batch
        waiting = missing
        if not waiting:
            break
    return waiting


def ethernet(port, to, kind):
    return to + port.mac + kind


def arp(port, client, prefix):
    """Who has PREFIX.x.y? The answer has to be is-at, from that address, to us."""
    template = bytearray(port.arp_request(client, prefix))
    base = socket.inet_aton(prefix)[:2]

    def of(frame):
        if (frame[:6], frame[12:14], frame[20:22], frame[28:30]) == (
                port.mac, b"\x08\x06", b"\0\2", base):
            return struct.unpack_from("!H", frame, 30)[0]
        return None

    return Question(bytes(template), [40], [], of)


def ip4(port, to, client, prefix, protocol, payload, pseudo):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0,
                         socket.inet_aton(client), socket.inet_aton(prefix))
    header = header[:10] + struct.pack("!H", 0xFFFF ^ fold(words(header))) + header[12:]
    ends = header[12:20] + struct.pack("!HH", protocol, len(payload)) if pseudo else b""
    return ethernet(port, to, b"\x08\x00") + header + payload, words(ends)


def ip6(port, to, client, prefix, protocol, payload, hops=64):
    ends = socket.inet_pton(socket.AF_INET6, client) + socket.inet_pton(socket.AF_INET6, prefix)
    header = struct.pack("!IHBB", 0x60000000, len(payload), protocol, hops) + ends
    return (ethernet(port, to, b"\x86\xdd") + header + payload,
            words(ends + struct.pack("!II", len(payload), protocol)))


def summed(frame, payload_at, sum_at, pseudo):
    """The frame with the checksum of its payload, whose field is zero so far."""
    value = 0xFFFF ^ fold(pseudo + words(frame[payload_at:]))
    return frame[:sum_at] + struct.pack("!H", value) + frame[sum_at + 2:]


def syn(port, to, client, prefix, service, flags):
    """A SYN to service; the answer has to have these flags and acknowledge it."""
    segment = struct.pack("!HHIIBBHHH", 4321, service, 77, 0, 5 << 4, 2, 65535, 0, 0)
    v4 = "." in prefix
    at = 34 if v4 else 54
    if v4:
        frame, pseudo = ip4(port, to, client, prefix, 6, segment, True)
        places, sums, source = [32], [(24, 1), (50, 1)], 28
    else:
        frame, pseudo = ip6(port, to, client, prefix, 6, segment)
        places, sums, source = [52], [(70, 1)], 36
    wanted = struct.pack("!HH", service, 4321)
    ack = struct.pack("!I", 78)

    def of(reply):
        if (reply[at:at + 4], reply[at + 8:at + 12], reply[at + 13:at + 14]) == (
                wanted, ack, bytes([flags])):
            return struct.unpack_from("!H", reply, source)[0]
        return None

    return Question(summed(frame, at, at + 16, pseudo), places, sums, of)


def ping(port, to, client, prefix):
    v4 = "." in prefix
    message = struct.pack("!BBHHH", 8 if v4 else 128, 0, 0, 0x7777, 1) + b"riposte?"
    if v4:
        frame, pseudo = ip4(port, to, client, prefix, 1, message, False)
        at, places, sums, source = 34, [32], [(24, 1)], 28
    else:
        frame, pseudo = ip6(port, to, client, prefix, 58, message)
        at, places, sums, source = 54, [52], [(56, 1)], 36
    answer = bytes([0 if v4 else 129, 0])

    def of(reply):
        if reply[at:at + 2] == answer and reply[at + 4:at + 16] == message[4:]:
            return struct.unpack_from("!H", reply, source)[0]
        return None

    return Question(summed(frame, at, at + 2, pseudo), places, sums, of)


def solicit(port, client, prefix):
    """A neighbour solicitation to the group of each address; the low 24 bits of prefix are 0."""
    target = socket.inet_pton(socket.AF_INET6, prefix)
    message = (struct.pack("!BBHI", 135, 0, 0, 0) + target + b"\1\1" + port.mac)
    frame, pseudo = ip6(port, b"\x33\x33\xff\0\0\0", client, "ff02::1:ff00:0", 58, message, 255)

    def of(reply):
        if reply[54:56] == b"\x88\0" and reply[62:76] == target[:14]:
            return struct.unpack_from("!H", reply, 76)[0]
        return None

    return Question(summed(frame, 54, 56, pseudo), [4, 52, 76], [(56, 2)], of)
