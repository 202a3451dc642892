# SPDX-License-Identifier: BSD-3-Clause
"""instance - the ripostes that run: found by DPDK's telemetry sockets, and asked over them."""
import contextlib
import json
import os
import re
import socket
import struct
from pathlib import Path

SOCKET_NAME = "dpdk_telemetry.v2"
REQUEST_MAX = 1023  # DPDK 22.11 cuts what is longer, silently
ANSWER_SECONDS = 30  # a reload may map large files
GREETING_SECONDS = 3


class Refused(Exception):
    """What could not be done: one line that says what would be right."""


def one_line(text):
    """Text that comes from elsewhere, fit to be printed."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def runtime_directory():
    """Where EAL of this user makes a directory for each file prefix."""
    if not (base := os.environ.get("RUNTIME_DIRECTORY")):  # a systemd unit's
        base = "/var/run" if os.getuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "/tmp")
    return Path(base) / "dpdk"


class Telemetry:
    """A conversation with one DPDK program. name is what --file-prefix calls it."""

    def __init__(self, name, path):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.reply_max = 1024
        try:
            # Not settimeout(): it would make connect() fail while somebody else is connecting.
            self._patience(GREETING_SECONDS)
            self.socket.connect(str(path))
            greeting = self._receive("the greeting")
            self.pid, self.reply_max = greeting["pid"], greeting["max_output_len"]
            self._patience(ANSWER_SECONDS)
        except (OSError, EOFError, Refused, KeyError, TypeError) as error:
            self.socket.close()
            raise Refused(self._why_not(error)) from None

    def _patience(self, seconds):
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            self.socket.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))

    @staticmethod
    def _why_not(error):
        """Why there is no conversation, in a few words."""
        if isinstance(error, ConnectionRefusedError):
            return "a stale socket, its program is gone"
        if isinstance(error, BlockingIOError):
            return "it does not answer"
        if isinstance(error, (KeyError, TypeError)):
            return "its greeting is not that of DPDK's telemetry"
        if isinstance(error, EOFError):
            return "it hangs up: ten are talking to it already, or it is just ending"
        return getattr(error, "strerror", None) or str(error)

    def close(self):
        self.socket.close()

    def is_riposte(self):
        return "/riposte/counters" in self.ask("/", list)

    def ask(self, command, kind, *parameters):
        """What it says to the command, which has to be of a kind (dict or list)."""
        request = ",".join((command, *map(str, parameters))).encode(errors="surrogateescape")
        if len(request) > REQUEST_MAX:
            raise Refused(f"{len(request)} bytes are too long for DPDK's telemetry: "
                          f"{REQUEST_MAX} at most")
        try:
            self.socket.send(request)
            reply = self._receive(command)
        except BlockingIOError:
            raise Refused(f"{self} does not answer {command} within {ANSWER_SECONDS} s") from None
        except (OSError, EOFError):
            raise Refused(f"{self} has ended") from None
        said = reply.get(command) if isinstance(reply, dict) else reply
        if isinstance(said, dict) and isinstance(said.get("error"), str):
            # A text in a dict has 127 bytes at most: a longer one goes on in error_2, error_3, ...
            raise Refused(one_line("".join(
                str(value) for name, value in said.items() if name.startswith("error"))))
        if said is None:
            raise Refused(f"{self} does not know {command}: is it of another version?")
        if not isinstance(said, kind):
            raise self._odd(command, said)
        return said

    def _receive(self, what):
        """The next message, which has to be JSON. EOFError when there will be none."""
        try:
            message, _, flags, _ = self.socket.recvmsg(self.reply_max)
        except ConnectionResetError:
            raise EOFError from None
        if not message:
            raise EOFError
        text = message.decode(errors="replace")
        try:
            return json.loads(text)
        except ValueError:
            cut = flags & socket.MSG_TRUNC or len(message) >= self.reply_max - 1
            raise Refused(f"{self}'s answer to {what} is "
                          f"{f'cut at {len(message)} bytes' if cut else 'not JSON'}: "
                          f"{shortened(text)}") from None

    def counters(self):
        """Every counter by its printed name; telemetry allows no dot in it."""
        said = self.ask("/riposte/counters", dict)
        if not all(isinstance(value, int) for value in said.values()):
            raise self._odd("/riposte/counters", said)
        return {name.replace("/", "."): value for name, value in said.items()}

    def workers(self):
        return list(self._pages("/riposte/workers"))

    def listeners(self):
        return list(self._pages("/riposte/listeners"))

    def connections(self):
        """One that moves to a later page while they are read is listed once."""
        ends = {(c.get("client"), c.get("server")): c for c in self._pages("/riposte/connections")}
        return list(ends.values())

    def _pages(self, command):
        """Every dict of a list that comes in pages, in order."""
        offset = 0
        while page := self._dicts(command, offset):
            yield from page
            offset += len(page)

    def _dicts(self, command, offset):
        said = self.ask(command, list, offset)
        if not all(isinstance(entry, dict) for entry in said):
            raise self._odd(command, said)
        return said

    def _odd(self, command, said):
        return Refused(f"{self}'s answer to {command} is odd: {shortened(json.dumps(said))}")

    def __str__(self):
        return f"riposte ({self.name})"


def shortened(text):
    text = one_line(text)
    return text if len(text) <= 60 else text[:57] + "..."


def sockets(directory):
    """(name, path) of every telemetry socket. A second program with the same file prefix has a
    number behind its socket's name, and here behind its own."""
    pattern = re.compile(rf"{re.escape(SOCKET_NAME)}(:\d+)?")
    for path in sorted(directory.glob(f"*/{SOCKET_NAME}*")):
        if match := pattern.fullmatch(path.name):
            yield path.parent.name + (match[1] or ""), path


def at(name, path):
    """The riposte at that socket."""
    telemetry = Telemetry(name, path)
    try:
        if telemetry.is_riposte():
            return telemetry
        raise Refused(f"process {telemetry.pid}, another DPDK program")
    except Refused:
        telemetry.close()
        raise


def named(prefix):
    """The riposte with that file prefix."""
    directory, colon, number = prefix.partition(":")
    path = runtime_directory() / directory / (SOCKET_NAME + colon + number)
    try:
        return at(prefix, path)
    except Refused as why:
        raise Refused(f"no riposte with the file prefix {prefix}: {path}: {why}") from None


def only():
    """The riposte that runs, if it is the only one."""
    running, others = [], []
    directory = runtime_directory()
    for name, path in sockets(directory):
        try:
            telemetry = at(name, path)
        except Refused as why:
            others.append(f"{path}: {why}")
        else:
            running.append(telemetry)
    if len(running) == 1:
        return running[0]
    if running:
        for telemetry in running:
            telemetry.close()
        raise Refused("several ripostes are running, choose one with --file-prefix: " +
                      ", ".join(f"{t.name} (pid {t.pid})" for t in running))
    raise Refused("no riposte is running: " +
                  ("; ".join(others) or f"no telemetry socket in {directory}") +
                  ("" if os.getuid() == 0 else " (root's are for root alone: sudo)"))


@contextlib.contextmanager
def riposte(prefix):
    """The riposte to talk to."""
    telemetry = named(prefix) if prefix else only()
    try:
        yield telemetry
    finally:
        telemetry.close()
