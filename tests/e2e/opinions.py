# SPDX-License-Identifier: BSD-3-Clause
"""opinions - one client program, two servers: what its calls returned and what went over the wire,
told apart. A Mask is a decision by which riposte differs from Linux; see test_linux_oracle.py."""
import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import select
import socket
import struct
import termios
import threading
import time
from typing import Callable

from lab import FAMILY
from segments import ACK, FIN, PSH, RST, SYN, Wire, wait_for

POLL = {name: getattr(select, name) for name in ("POLLIN", "POLLERR", "POLLHUP", "POLLRDHUP")}


@dataclasses.dataclass
class Path:
    """From a client's namespace to a server: through which interface, to which address of each
    family, over which RoughCable, if any."""
    netns: object
    interface: str
    addresses: dict
    cable: object


class Client:
    """A program on the client's kernel; what its calls return is kept in seen. Calls that only wait
    are not: how long a thing takes is no opinion."""

    def __init__(self, path, family, port):
        self.family, self.server = family, (path.addresses[family], port)
        self.netns, self.cable = path.netns, path.cable
        self.wire = Wire(path.netns, path.interface)
        self.other_end = Wire(path.cable.netns, "m1") if path.cable else None
        self.seen, self.others = [], []
        self.port = None
        self.socket = self._new()

    def _new(self):
        with self.netns.inside():
            made = socket.socket(FAMILY[self.family], socket.SOCK_STREAM)
        made.settimeout(60)
        return made

    def _note(self, call, function, *arguments):
        try:
            result = function(*arguments)
        except TimeoutError:
            result = "nothing came"
        except OSError as error:
            result = errno.errorcode.get(error.errno, error.errno)
        self.seen.append(f"{call}: {result!r}")
        return result

    def connect(self, timeout=60):
        self.socket.settimeout(timeout)
        self._note("connect", self.socket.connect, self.server)
        self.socket.settimeout(60)
        self.port = self.socket.getsockname()[1]

    def another(self):
        """One more connection to the same server, of which only the connect is noted."""
        self.others.append(self._new())
        self._note("connect", self.others[-1].connect, self.server)

    def send(self, text):
        return self._note(f"send {len(text)}", self.socket.send, text)

    def send_with_fin(self, text):
        """Both in one segment."""
        self._note("send", self.socket.send, text, socket.MSG_MORE)
        self.shutdown()

    def send_all(self, text):
        self._note(f"send all {len(text)}", self.socket.sendall, text)

    def recv(self, size=65536):
        return self._note("recv", self.socket.recv, size)

    def recv_exactly(self, size):
        """So many bytes, in however many pieces they come."""
        text = b""
        while len(text) < size and (more := self.socket.recv(size - len(text))):
            text += more
        self.seen.append(f"received {text!r}")

    def recv_all(self):
        """To the end, whatever it is."""
        self.seen.append(self._to_the_end())
        self.recv()

    def _to_the_end(self):
        digest, size = hashlib.sha256(), 0
        with contextlib.suppress(OSError):
            while text := self.socket.recv(65536):
                digest.update(text)
                size += len(text)
        return f"received {size} bytes, {digest.hexdigest()[:16]}"

    def poll(self, event):
        """Waits for an event of poll(), then notes all of them: a kernel sets them one by one."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | select.POLLRDHUP)
        wait_for(lambda: [got for _, got in poll.poll(1000) if got & POLL[event]], event)
        time.sleep(0.05)
        (_, happened), = poll.poll(0)
        self.seen.append("poll: " + "|".join(name for name, bit in POLL.items() if happened & bit))

    def small_window(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)

    def exchange(self, text):
        """Sends text and its FIN while it reads to the end."""
        sender = threading.Thread(target=lambda: (self.send_all(text), self.shutdown()))
        sender.start()
        received = self._to_the_end()
        sender.join()
        self.seen.append(received)

    def fill(self):
        """Sends until nothing more is taken."""
        self.socket.setblocking(False)
        while select.select([], [self.socket], [], 1)[1]:
            with contextlib.suppress(BlockingIOError):
                self.socket.send(bytes(65536))
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.send(bytes(4096))

    def settled(self):
        """Waits until all that was sent is acknowledged."""
        wait_for(lambda: not struct.unpack("i", fcntl.ioctl(
            self.socket, termios.TIOCOUTQ, bytes(4)))[0], "the client's text is acknowledged")

    def until(self, condition, what):
        """Waits until condition(segments so far)."""
        def met():
            self.wire.look()
            return condition(self.segments())
        wait_for(met, what)

    def hold(self):
        """The cable keeps what either side sends until release(); the handshake is through."""
        self._passes(self.port, self.server[1], ACK)
        self.cable.hold()

    def release(self, flags):
        """Lets it go when the server has sent something with one of these flags."""
        self._passes(self.server[1], self.port, flags)
        self.cable.release()

    def _passes(self, source, target, flags):
        """Waits until a segment that is no SYN is at the cable's other end."""
        def seen():
            self.other_end.look()
            return any(found & flags and not found & SYN
                       for found in self.other_end.flags(source, target))
        wait_for(seen, "a segment passes")

    def shutdown(self):
        self._note("shutdown", self.socket.shutdown, socket.SHUT_WR)

    def error(self):
        self._note("SO_ERROR", self.socket.getsockopt, socket.SOL_SOCKET, socket.SO_ERROR)

    def pause(self, seconds):
        time.sleep(seconds)

    def close(self):
        self._note("close", self.socket.close)

    def abort(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def segments(self):
        return self.wire.connection(self.port, self.server[1])

    def end(self):
        for one in [self.socket, *self.others]:
            one.close()
        self.wire.close()
        if self.cable:
            self.cable.release()
            self.other_end.close()


@dataclasses.dataclass(frozen=True)
class Mask:
    """takes: a side's segments to those that are compared, of the server alone or of both."""
    name: str
    why: str
    takes: Callable
    both: bool = False


def first_of_each(segments):
    """Without what was sent again: when a timer runs out is no opinion either."""
    out, end = [], None
    for one in segments:
        if one.flags & RST:
            again = one in out
        else:
            again = one.end > one.seq and end is not None and one.end <= end
        if not again:
            out.append(one)
        if one.end > one.seq:
            end = one.end if end is None else max(end, one.end)
    return out


def without_idle_acks(segments):
    """Pure ACKs go that acknowledge no more than a segment before or behind them does."""
    return once_through(once_through(segments)[::-1])[::-1]


def once_through(segments):
    out, highest = [], None
    for one in segments:
        if not one.pure_ack or highest is None or one.ack > highest:
            out.append(one)
        if one.ack is not None and (highest is None or one.ack > highest):
            highest = one.ack
    return out


def without_text_and_its_acks(segments):
    """What is left is how a connection begins and ends."""
    return [one for one in segments if one.length == 0 and not one.pure_ack]


def as_stream(segments):
    """Where a long text is cut, and what it acknowledges on the way, is a race: the text in one
    piece, with the longest segment of it, and its FIN apart. What the client's FIN acknowledges is
    one as well."""
    out, text, longest, pushed = [], None, 0, False
    for one in segments:
        if one.length:
            text = (text[0] if text else one.seq, one.seq + one.length)
            longest, pushed = max(longest, one.length), bool(one.flags & PSH)
        if one.flags & (SYN | FIN | RST) or (one.pure_ack and one is segments[-1]):
            one = dataclasses.replace(one, flags=one.flags & ~PSH, length=0,
                                      seq=one.seq + one.length)
            out.append(f"F {one.seq}" if one.flags & FIN and one.from_client else str(one))
    if text:
        out.append(f"text {text[0]}:{text[1]}, {longest} at most, {'' if pushed else 'not '}pushed")
    return out


def compared(segments, stream, masks):
    """{side: what of it is compared}."""
    out = {}
    for name, from_client in (("client", True), ("server", False)):
        side = first_of_each([one for one in segments if one.from_client == from_client])
        if from_client or stream:
            # When Linux acknowledges depends on what came when.
            side = without_idle_acks(side)
        if from_client:
            # And how soon it pushes, on its memory.
            side = [dataclasses.replace(one, flags=one.flags & ~PSH) for one in side]
        for mask in masks:
            if mask.both or not from_client:
                side = mask.takes(side)
        out[name] = as_stream(side) if stream else [str(one) for one in side]
    return out


def needed(ours, theirs, stream, masks):
    """The masks without which two wires differ; None if they differ with all of them."""
    def equal(some):
        return compared(ours, stream, some) == compared(theirs, stream, some)

    left = list(masks)
    if not equal(left):
        return None
    for mask in masks:
        if equal([one for one in left if one is not mask]):
            left.remove(mask)
    return left


def agree(clients, stream, masks, seconds=15):
    """Waits until the two wires say the same and are quiet; returns the masks that were needed."""
    deadline = time.monotonic() + seconds
    while True:
        time.sleep(0.3)
        for client in clients:
            client.wire.look()
        wires = [client.segments() for client in clients]
        used = needed(*wires, stream, masks)
        if used is not None:
            return used
        assert time.monotonic() < deadline, "\n".join(
            [f"riposte: {compared(wires[0], stream, masks)}",
             f"Linux:   {compared(wires[1], stream, masks)}",
             "riposte's wire: " + "; ".join(map(told, wires[0])),
             "Linux's wire:   " + "; ".join(map(told, wires[1]))])


def told(segment):
    return f"{'>' if segment.from_client else '<'} {segment}"
