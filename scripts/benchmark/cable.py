# SPDX-License-Identifier: BSD-3-Clause
"""cable - what is at the two ends of a veth pair: riposte or the kernel's own TCP at the one, clients in C
at the other."""
import contextlib
import re
import subprocess
import sys

from load.link import ip
from load.machine import DpdkProgram, LoadError, Program
from load.responder import BINARY

PROGRAMS = BINARY.parents[1] / "tests" / "bench"
MIB = 256
CLIENTS = "10.0.0.0/8"  # tests/bench/syns.c's
BACKLOG = 65535
RING = ",framecnt=4096"  # net_af_packet's: what comes while the machine runs something else waits there
GATEWAY = "198.18.0.254"  # where the kernel takes the clients to be; nobody is there
# What is measured is the time of the clock: what else the machine runs comes after either end. Where
# sessions are scheduled as groups, nice(1) counts within one's own only.
FIRST = ["sh", "-c", 'test ! -e /proc/self/autogroup || echo -15 >/proc/self/autogroup; '
         'exec nice -n -15 "$@"', "sh"]
RPS = "/sys/class/net/nic0/queues/rx-{}/rps_cpus"


def inside(netns, *command):
    """What a command says that runs in the namespace, in a session of its own."""
    done = subprocess.run(["ip", "netns", "exec", netns, *map(str, command)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, start_new_session=True)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise LoadError(f"{' '.join(map(str, command))}: {said}")
    return done.stdout


def client(setting, name, *arguments):
    """The command line of one of tests/bench's clients, on a processor that the server does not have."""
    return [*FIRST, "taskset", "--cpu-list", setting.cpus[1], PROGRAMS / name, *arguments]


def numbers(said):
    """The lines "name: number" of what a program said."""
    return {name: int(value) for name, value in re.findall(r"^([a-z_]+): (\d+)$", said, re.MULTILINE)}


def no_early_demux(link):
    """Neither kernel looks for a connection before it looks for a route: at either end there is none that
    it would find, and whoever is measured bears the search."""
    for netns in link.name, link.nic:
        inside(netns, "sysctl", "-qw", "net.ipv4.ip_early_demux=0")


def share(figures, percent):
    """What so many percent of sorted figures stay under."""
    return figures[min(len(figures) - 1, int(len(figures) * percent / 100))]


def address(link, prefix):
    """The clients' kernel has it. It sums what it sends itself: a veth pair does not."""
    ip("-n", link.name, "address", "add", prefix, "dev", "client0")
    inside(link.name, "ethtool", "-K", "client0", "tx", "off")


@contextlib.contextmanager
def riposte(setting, link, configuration, *options, device="", ready="link up"):
    """One that answers at the end of the cable meanwhile. device: more of its device's arguments; ready:
    what it says when it does."""
    conf = setting.directory / "riposte.conf"
    conf.write_text(configuration, encoding="ascii")
    prefix = f"{setting.prefix}-riposte"
    before, (vdev,) = link.responder()
    program = DpdkProgram("riposte", [
        *before, *FIRST, BINARY, f"--lcores=0@{setting.cpus[0]}", "--no-pci", "--no-huge", "-m", MIB,
        "--file-prefix", prefix, vdev + device, "--", "-c", conf, *options], setting.directory, prefix)
    try:
        program.ready()
        program.wait_until(lambda: ready in program.said(), "it is ready")
        yield program
    finally:
        program.close()


def _steer(link, cpu):
    """On which processor the kernel works on what comes to the server's end; None: where it was sent."""
    mask = "0" if cpu is None else f"{1 << cpu % 32:x}" + ",00000000" * (cpu // 32)
    inside(link.nic, "sh", "-c", f"for each in {RPS.format('*')}; do echo {mask} >$each; done")


@contextlib.contextmanager
def kernel(setting, link, address, port, cpu=None):
    """The kernel's TCP at the end of the cable meanwhile, with a socket that listens. cpu: receive packet
    steering to that processor."""
    inside(link.nic, "sysctl", "-qw", f"net.core.somaxconn={BACKLOG}",
           f"net.ipv4.tcp_max_syn_backlog={BACKLOG}")
    mac = inside(link.name, "cat", "/sys/class/net/client0/address").strip()
    listener = None
    try:
        ip("-n", link.nic, "address", "add", f"{address}/32", "dev", "nic0")
        ip("-n", link.nic, "neighbour", "replace", GATEWAY, "lladdr", mac, "dev", "nic0", "nud",
           "permanent")
        ip("-n", link.nic, "route", "add", CLIENTS, "via", GATEWAY, "dev", "nic0", "onlink")
        _steer(link, cpu)
        listener = Program("listen", ["ip", "netns", "exec", link.nic, sys.executable, "-m",
                                      "benchmark.listen", address, port, BACKLOG], setting.directory)
        listener.wait_until(lambda: "listening" in listener.said(), "it listens")
        yield
    finally:
        if listener:
            listener.close()
        _steer(link, None)
        for what in "route", "address":
            ip("-n", link.nic, what, "flush", "dev", "nic0")
