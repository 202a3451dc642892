# SPDX-License-Identifier: BSD-3-Clause
"""control - ripostectl as a user runs it, and what the tests of it need beside."""
import errno
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RIPOSTECTL = ROOT / "scripts" / "ripostectl"
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True  # for ripostectl's sake, in scripts/

from ctl.instance import riposte  # noqa: E402


class Control:
    """ripostectl for one riposte. What a test does and judges is done by the program itself; what it
    only looks at, again and again until something has happened, by the program's own modules."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.environment = {**os.environ, "RIPOSTE_PREFIX": prefix}

    def run(self, *words):
        return subprocess.run([RIPOSTECTL, *map(str, words)], env=self.environment, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)

    def says(self, *words):
        """What it prints; it has to go well."""
        run = self.run(*words)
        assert (run.returncode, run.stderr) == (0, ""), f"{words}: {run.returncode} {run.stderr}"
        return run.stdout

    def json(self, *words):
        return json.loads(self.says(*words, "--json"))

    def refuses(self, *words):
        """The one line with which it is refused."""
        run = self.run(*words)
        assert run.returncode == 1 and run.stdout == "", f"{words}: {run.returncode} {run.stdout}"
        assert run.stderr.startswith("ripostectl: ") and run.stderr.count("\n") == 1, run.stderr
        return run.stderr[len("ripostectl: "):-1]

    def counters(self):
        with riposte(self.prefix) as to:
            return to.counters()

    def connections(self):
        with riposte(self.prefix) as to:
            return to.connections()

    def ask(self, command, times):
        """Asks the same several times; returns the last answer."""
        with riposte(self.prefix) as to:
            for _ in range(times):
                said = to.ask(command, dict)
        return said

    def listener(self, name):
        """The one of that name."""
        with riposte(self.prefix) as to:
            found = [entry for entry in to.listeners() if entry["name"] == name]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def connection(self, client):
        """The one of that client, a socket or "ADDRESS:PORT"; None if there is none."""
        wanted = client if isinstance(client, str) else end(client)
        found = [entry for entry in self.connections() if entry["client"] == wanted]
        if len(found) > 1 and not isinstance(client, str):
            # To another of our ports the kernel may take the same port of its own again.
            found = [entry for entry in found
                     if entry["server"].endswith(f":{client.getpeername()[1]}")]
        assert len(found) <= 1, found
        return found[0] if found else None

    def call(self, client, call, local=None):
        """client's server makes one more call."""
        return self.says("call", end(client), local or client.getpeername()[1], call)


def end(sock):
    """A socket's own end, as riposte writes it."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if sock.family == socket.AF_INET6 else f"{host}:{port}"


def unsent(sock):
    """Bytes in the socket that the peer has not acknowledged."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]


def balanced(counters):
    dropped = sum(value for name, value in counters.items() if name.startswith("dropped."))
    return counters["rx"] == counters["answered"] + counters["consumed"] + dropped


def wait_for(condition, seconds=20):
    """Returns what condition() returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (met := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return met


def error_of(call, *args):
    """The name of the error that a call fails with, "" if it does not."""
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return ""
