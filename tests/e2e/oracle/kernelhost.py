#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""kernelhost - riposte's scripts on a Linux kernel's sockets, as scripthost.py, but of thousands of
connections in one process, which can say that all of them have made every call they could. As a
program it reads its listeners from stdin, then commands: "settle" and "forget"."""
import contextlib
import heapq
import itertools
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from netns import die_with_parent  # noqa: E402
from scripthost import Application, EndOfScript, listen, seconds  # noqa: E402

TCP_WINDOW_CLAMP = 10
CHUNK = 1 << 20


class KernelHost:
    """Serves in a namespace, on one CPU. listeners: {"port", "family", "script", "backlog",
    "window"} each."""

    def __init__(self, netns, cpu, listeners):
        self.process = subprocess.Popen(
            netns.command(sys.executable, "-B", os.path.abspath(__file__)), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        os.sched_setaffinity(self.process.pid, {cpu})
        self._ask(json.dumps(listeners))

    def _ask(self, line):
        print(line, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "done\n", "the kernel's applications have ended"

    def settle(self):
        """Returns when every application is blocked or has ended."""
        self._ask("settle")

    def forget(self):
        """Every application that is left is killed, and its connection reset."""
        self._ask("forget")

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Script(Application):
    """An application whose calls are a generator: where it would block it yields what it waits for,
    (readable?, seconds or None), and is sent whether the time ran out."""

    def __init__(self, listener):
        super().__init__(listener, lambda: None)
        self.patience = None

    def calls(self, script):
        with contextlib.suppress(EndOfScript, OSError):
            for call in script:
                name, _, argument = call.partition(" ")
                made = getattr(self, name)(argument)
                if made is not None:
                    yield from made
        if self.socket is not None:
            self.socket.close()

    def accept(self, _):
        super().accept(_)
        self.socket.setblocking(False)

    def read(self, argument):
        left = int(argument) if argument not in ("", "all") else None
        while text := (yield from self._receive_some(CHUNK if left is None else left)):
            if argument == "":
                return
            if left is not None:
                left -= len(text)
                if left == 0:
                    return

    def echo(self, _):
        while text := (yield from self._receive_some(CHUNK)):
            self.socket.sendall(text)

    def _receive_some(self, size):
        while True:
            try:
                text = self.socket.recv(size)
                break
            except BlockingIOError:
                if (yield True, self.patience):
                    raise EndOfScript from None
        # A recv() ends at an urgent byte, too.
        with contextlib.suppress(BlockingIOError):
            text += self.socket.recv(size - len(text))
        return text

    def sleep(self, argument):
        yield False, seconds(argument)

    def timeout(self, argument):
        self.patience = seconds(argument)

    def hang(self, _):
        yield False, None


class Loop:
    """All applications of one process."""

    def __init__(self, listeners):
        self.poll = select.epoll()
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self.listening, self.waiting, self.timers = {}, {}, []
        self.numbers = itertools.count()
        self.queues = []
        for one in listeners:
            listener = listen(one["family"], one["port"], one["backlog"])
            prepare(listener, one["window"])
            listener.setblocking(False)
            if one["script"]:
                self.listening[listener.fileno()] = (listener, one["script"])
                self.poll.register(listener, select.EPOLLIN)
            else:
                self.queues.append(listener)

    def step(self, patience):
        """Makes the calls that can be made; False if there were none. Answers who asks."""
        asked = False
        events = self.poll.poll(patience)
        for number, _ in events:
            if number == sys.stdin.fileno():
                asked = True
            elif number in self.listening:
                self._accept(*self.listening[number])
            else:
                self._go_on(number, False)
        while self.timers and self.timers[0][0] <= time.monotonic():
            _, number, fd = heapq.heappop(self.timers)
            if fd in self.waiting and self.waiting[fd][2] == number:
                self._go_on(fd, True)
        return len(events) > asked, asked

    def run(self):
        while True:
            left = self.timers[0][0] - time.monotonic() if self.timers else None
            _, asked = self.step(left if left is None else max(left, 0))
            if asked:
                command = sys.stdin.readline()
                if not command:
                    return
                while self.step(0)[0]:
                    pass
                if command == "forget\n":
                    self._forget()
                print("done", flush=True)

    def _accept(self, listener, script):
        application = Script(listener)
        self._wait(application, application.calls(script), None)

    def _go_on(self, fd, late):
        application, calls, _, readable = self.waiting.pop(fd)
        if readable:
            self.poll.unregister(fd)
        self._wait(application, calls, late)

    def _wait(self, application, calls, late):
        """late: None at the start."""
        try:
            readable, patience = calls.send(late)
        except StopIteration:
            return
        fd = application.socket.fileno()
        self.waiting[fd] = (application, calls, next(self.numbers), readable)
        if readable:
            self.poll.register(fd, select.EPOLLIN)
        if patience is not None:
            heapq.heappush(self.timers, (time.monotonic() + patience, self.waiting[fd][2], fd))

    def _forget(self):
        for application, calls, _, readable in self.waiting.values():
            if readable:
                self.poll.unregister(application.socket)
            calls.close()
            reset(application.socket)
        self.waiting.clear()
        self.timers.clear()
        for listener in self.queues:
            with contextlib.suppress(BlockingIOError):
                while True:
                    reset(listener.accept()[0])


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def prepare(listener, window):
    """The first window that riposte's receive_buffer makes, as near as a kernel comes to it."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    listener.setsockopt(socket.IPPROTO_TCP, TCP_WINDOW_CLAMP, window)
    # Urgent text is text like any other.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)


def main():
    loop = Loop(json.loads(sys.stdin.readline()))
    print("done", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
