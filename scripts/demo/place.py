# SPDX-License-Identifier: BSD-3-Clause
"""place - where rows are played: a client's interface, riposte at the other end of its cable."""
import contextlib
import itertools
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "config" / "scenarios.conf"


class PlaceError(Exception):
    """Something of the laboratory did not do what it should."""


@dataclass
class Place:
    """inside() is a context in which a thread is in the client's namespace; server: its addresses,
    by family; prefix: riposte's --file-prefix."""
    interface: str
    server: dict
    prefix: str
    inside: object = contextlib.nullcontext
    _minors: object = field(default_factory=lambda: itertools.count(1))

    @contextlib.contextmanager
    def prepared(self):
        """The interface has slow_class() meanwhile; all else is sent as it was. And on a busy
        machine the client does not at once take late for lost and send again (RFC 8985 7)."""
        with self.inside():
            self._sysctl("net/ipv4/tcp_early_retrans", 0)
            self._tc("qdisc", "replace", "dev", self.interface, "root", "handle", "1:", "htb")
        yield
        with self.inside():
            self._tc("qdisc", "delete", "dev", self.interface, "root")

    def slow_class(self, rate):
        """A priority for one socket (SO_PRIORITY), as if it had a line of that rate for itself."""
        minor = next(self._minors)
        self._tc("class", "add", "dev", self.interface, "parent", "1:",
                 "classid", f"1:{minor:x}", "htb", "rate", rate, "burst", "1", "cburst", "1",
                 "quantum", "1514")
        return 1 << 16 | minor

    def ask_neighbours_every(self, family, ms):
        """How soon a question about an Ethernet address is asked again."""
        kind = {4: "ipv4", 6: "ipv6"}[family]
        self._sysctl(f"net/{kind}/neigh/{self.interface}/retrans_time_ms", ms)

    @staticmethod
    def _sysctl(name, value):
        """As the thread's namespace has it."""
        with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    @staticmethod
    def _tc(*arguments):
        done = subprocess.run(["tc", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            raise PlaceError(f"tc {' '.join(arguments)}: {done.stdout.strip()}")

    def control(self, *command):
        """ripostectl COMMAND."""
        done = subprocess.run([ROOT / "scripts" / "ripostectl", "--file-prefix", self.prefix,
                               *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, timeout=20)
        if done.returncode != 0:
            raise PlaceError(f"ripostectl {' '.join(command)}: {done.stdout.strip()}")


@dataclass(frozen=True)
class Listener:
    """text: its calls, and its other keys."""
    port: int
    text: str


def listeners():
    """Those of scenarios.conf, by name."""
    found = {}
    for name, body in re.findall(r'^listener "([^"]+)" \{\n(.*?)^\}', SCENARIOS.read_text("utf-8"),
                                 re.MULTILINE | re.DOTALL):
        keys = dict(re.findall(r"^\s+(\w+)\s+= (.*?)\s*$", body, re.MULTILINE))
        port = int(keys.pop("ports"))
        script = ", ".join(re.findall(r'"([^"]+)"', keys.pop("script")))
        more = [f"{key} = {value}" for key, value in keys.items()]
        text = "; ".join([script or "no call, not even accept", *more]).replace('"', "")
        found[name] = Listener(port, text)
    return found
