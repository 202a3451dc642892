# SPDX-License-Identifier: BSD-3-Clause
"""netns - network namespaces: made, entered and removed again."""
import contextlib
import ctypes
import itertools
import os
import signal
import subprocess

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()

# Unique to this process, so that test runs beside each other do not meet.
PREFIX = f"rp{os.getpid()}"


def unique(kind):
    """A name that nobody else uses, 15 characters at most."""
    return f"{PREFIX}{kind}{next(_numbers)}"


def die_with_parent(number=15):
    """For preexec_fn: the child gets a signal when this process ends, however it ends. It hears
    Ctrl-C, though the tests may have been started in the background, where that is ignored."""
    _libc.prctl(PR_SET_PDEATHSIG, number)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*command, **options):
    """Runs a command to its end; its output is in the exception if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=options.pop("timeout", 60), **options)
    assert done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}: {done.stdout}"
    return done.stdout


class Netns:
    """A network namespace. A socket made inside it belongs to it for good."""

    def __init__(self, kind):
        self.name = unique(kind)
        run("ip", "netns", "add", self.name)
        with self.inside():
            # riposte's veth must be quiet, and a client forwards nothing.
            self.sysctl("net/ipv4/ip_forward", 0)

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in the namespace meanwhile."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            self._enter(f"/run/netns/{self.name}")
            yield self
        finally:
            if _libc.setns(here, CLONE_NEWNET) != 0:
                os._exit(70)  # nothing after this could be trusted
            os.close(here)

    @staticmethod
    def _enter(path):
        there = os.open(path, os.O_RDONLY)
        try:
            if _libc.setns(there, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {path}")
        finally:
            os.close(there)

    def sysctl(self, name, value):
        """Sets what is in /proc/sys, as this namespace sees it."""
        with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def command(self, *command):
        """The command line that runs command inside."""
        return ("ip", "netns", "exec", self.name, *command)

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def close(self):
        run("ip", "netns", "delete", self.name)


def veth(netns, name, other, other_name):
    """A cable between two namespaces."""
    netns.run("ip", "link", "add", name, "type", "veth", "peer", "name", other_name,
              "netns", other.name)


def quiet(netns, interface):
    """No IPv6 on it: no address, and nothing sent unasked."""
    with netns.inside():
        netns.sysctl(f"net/ipv6/conf/{interface}/disable_ipv6", 1)
