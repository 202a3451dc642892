#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripthost - riposte's scripts on a Linux kernel's sockets: for each connection a process that
makes the calls of its listener's script, one after the other, and ends. As a program it reads its
listeners from stdin and serves until stdin ends."""
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

from netns import die_with_parent

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "": 1}
CHUNK = 1 << 20


class ScriptHost:
    """Serves in a namespace. listeners: {"port", "family", "script", "backlog"} each; FILE of
    write @FILE is relative to directory."""

    def __init__(self, netns, listeners, directory):
        self.process = subprocess.Popen(
            netns.command(sys.executable, "-B", os.path.abspath(__file__)), cwd=directory,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        print(json.dumps(listeners), file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "ready\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class EndOfScript(Exception):
    """The process exits."""


class Application:
    """One process: the calls of one script on the next connection of its listener. The calls before
    "accept" are made when there is a connection to accept, for that is when riposte makes them."""

    def __init__(self, listener, accepted):
        self.listener = listener
        self.accepted = accepted
        self.socket = None

    def run(self, script):
        with contextlib.suppress(EndOfScript, OSError):
            for call in script:
                name, _, argument = call.partition(" ")
                getattr(self, name)(argument)

    def accept(self, _):
        self.socket, _ = self.listener.accept()
        self.accepted()

    def read(self, argument):
        if argument == "all":
            while self._receive(CHUNK):
                pass
        elif argument:
            self._read_so_many(int(argument))
        else:
            self._receive(CHUNK)

    def _read_so_many(self, left):
        while left > 0:
            took = len(self._receive(min(left, CHUNK), socket.MSG_WAITALL))
            left -= took
            # Cut short: by the FIN or by SO_RCVTIMEO? The FIN is still there to be seen.
            if left > 0 and took % CHUNK:
                self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            if took == 0:
                return

    def _receive(self, size, flags=0):
        try:
            return self.socket.recv(size, flags)
        except BlockingIOError:
            raise EndOfScript from None

    def write(self, argument):
        if argument.startswith("@"):
            with open(argument[1:], "rb") as file:
                self.socket.sendall(file.read())
        else:
            self.socket.sendall(argument[1:-1].encode("latin-1"))

    def echo(self, _):
        while text := self._receive(CHUNK):
            self.socket.sendall(text)

    def sleep(self, argument):
        time.sleep(seconds(argument))

    def timeout(self, argument):
        whole, part = divmod(seconds(argument), 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                               struct.pack("ll", int(whole), round(part * 1e6)))

    def shutdown(self, _):
        self.socket.shutdown(socket.SHUT_WR)

    def linger(self, _):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self, _):
        self.socket.close()
        raise EndOfScript

    def hang(self, _):
        while True:
            signal.pause()


def seconds(text):
    digits = text.rstrip("ms")
    return int(digits) * SECONDS[text[len(digits):]]


def listen(family, port, backlog):
    """A queue of exactly backlog: Linux has room for one more than it is told."""
    listener = socket.socket({4: socket.AF_INET, 6: socket.AF_INET6}[family])
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == 6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(("", port))
    listener.listen(backlog - 1)
    return listener


def serve(listener, script):
    """A process for the connection that waits. Only it accepts, so that no other holds the
    connection and its exit is what closes it. Where it ends without, the listener's end resets the
    queue."""
    told, tells = os.pipe()
    if os.fork() == 0:
        try:
            die_with_parent(signal.SIGKILL)
            Application(listener, lambda: os.write(tells, b"a")).run(script)
        finally:
            os._exit(0)
    os.close(tells)
    if not os.read(told, 1):
        listener.shutdown(socket.SHUT_RDWR)
        listener.listen(128)
    os.close(told)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listeners = [(listen(one["family"], one["port"], one["backlog"]), one["script"])
                 for one in json.loads(sys.stdin.readline())]
    # An empty script is an application that never accepts.
    busy = {listener: script for listener, script in listeners if script}
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([sys.stdin, *busy], [], [])
        if sys.stdin in ready:
            return
        for listener in ready:
            serve(listener, busy[listener])


if __name__ == "__main__":
    main()
