# SPDX-License-Identifier: BSD-3-Clause
"""As many segments as a memif pair carries (flood.c), of each kind that pours nothing but work, from
some 40,000 clients over IPv4 and IPv6: each gets its answer or none and is counted, and meanwhile
lawful clients of the same worker are served and pinged."""
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from control import Control, balanced, wait_for
from lab import CLIENT, SERVER, greeting
from netns import Netns, die_with_parent, quiet, unique, veth
from responder import BUILD, EAL, Riposte, lcores_option

FLOOD = BUILD / "tests" / "e2e" / "flood"
MAC = "02:f1:00:00:00:02"
CONF = f"""host {{ owns = {{ "{SERVER[4]}", "{SERVER[6]}" }} connections = 20000 }}
listener "web" {{ ports = 80 script = {{ "accept", "write \\"hello\\"", "close" }} }}
"""
SECONDS = 1
RINGS = 2 << 10  # frames that lie in memif's two rings, when the flood's program ends
GROWTH = 4 << 10  # KiB that riposte's memory may grow by: who asks for counters takes some

# What is sent and where to, and what may come of it: (SYN-ACK, RST).
CASES = {
    "syn_to_a_closed_port": ("S", 81, (0, 1)),
    "syn_to_a_listener": ("S", 80, (1, 0)),
    "ack_to_no_connection": ("A", 81, (0, 1)),
    "ack_to_a_listener": ("A", 80, (0, 1)),
    "rst": ("R", 81, (0, 0)),
    "rst_to_a_listener": ("R", 80, (0, 0)),
    "fin": ("F", 81, (0, 1)),
    "xmas": ("FPU", 81, (0, 1)),
    "null": ("", 81, (0, 1)),
    "null_to_a_listener": ("", 80, (0, 0)),
}


def give_way(process):
    """The tests beside this one go by the clock."""
    os.setpriority(os.PRIO_PROCESS, process.pid, 5)


class Bench:
    """riposte, and a namespace of clients that the flood's program joins to it."""

    def __init__(self, directory):
        self.directory = directory
        self.nic, self.client = Netns("n"), Netns("c")
        veth(self.client, "c0", self.nic, "n0")
        quiet(self.nic, "n0")
        self.nic.run("ip", "link", "set", "n0", "up")
        self.client.run("ethtool", "-K", "c0", "tx", "off")
        self.client.run("ip", "link", "set", "c0", "up")
        self.client.run("ip", "address", "add", f"{CLIENT[4]}/16", "dev", "c0")
        self.client.run("ip", "address", "add", f"{CLIENT[6]}/48", "dev", "c0", "nodad")
        self.socket = directory / "memif.sock"
        self.prefix = unique("p")
        self.riposte = Riposte(CONF, directory / "riposte", self.prefix, netns=self.nic, devices=[
            f"net_memif0,role=server,{self.memif()},mac={MAC}"])
        self.riposte.start()
        give_way(self.riposte.process)
        self.riposte.wait_until(lambda: "MTU" in self.riposte.output("stderr"), "it listens")
        wait_for(self.is_asked)
        self.flood = None
        self.before = None  # counters when the flood began

    def memif(self):
        return f"socket={self.socket},socket-abstract=no,rsize=10"

    def start_flood(self, flags, port):
        self.before = self.counters()
        with open(self.directory / "flood", "wb") as out:
            self.flood = subprocess.Popen(
                [*self.nic.command(), FLOOD, *EAL, lcores_option(1), "--single-file-segments",
                 "--log-level=error", "--file-prefix", self.prefix + "f",
                 f"--vdev=net_memif0,role=client,{self.memif()},zero-copy=yes",
                 "--vdev=net_af_packet0,iface=n0", "--", flags, str(port), MAC],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent)
        give_way(self.flood)
        rx = self.before["rx"]
        wait_for(lambda: self.counters()["rx"] > rx + 10000, 30)

    def kill_flood(self):
        if self.flood and self.flood.poll() is None:
            self.flood.kill()
            self.flood.wait()

    def end_flood(self):
        """What it counted."""
        self.flood.terminate()
        ended = self.flood.wait(30)
        said = (self.directory / "flood").read_text(encoding="utf-8")
        assert ended == 0, f"flood: exit {ended}: {said}"
        return {name: int(value) for name, value in re.findall("^([a-z_]+): ([0-9]+)$", said, re.M)}

    def is_asked(self):
        """Does it hear ripostectl yet?"""
        return Control(self.prefix).run("counters").returncode == 0

    def counters(self):
        return Control(self.prefix).counters()

    def memory(self):
        """KiB that riposte has mapped. (What of it has been touched grows for a while: buffers.)"""
        status = Path(f"/proc/{self.riposte.process.pid}/status").read_text(encoding="ascii")
        return int(re.search("VmSize:\\s+([0-9]+) kB", status)[1])

    def close(self):
        self.kill_flood()
        self.riposte.kill()
        self.client.run("ip", "link", "delete", "c0")
        self.client.close()
        self.nic.close()


@pytest.fixture(name="bench", scope="module")
def fixture_bench(directory):
    bench = Bench(directory)
    try:
        yield bench
        counters = bench.riposte.stop()
        assert counters["rx"] > 0
    finally:
        bench.close()


def check_lawful(bench):
    """Pings and connections go through for as long as the flood does."""
    served, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until or served == 0:
        for family in (4, 6):
            # Until one is answered: flood.c's ring is full whenever that is not running.
            bench.client.run("ping", "-c", "1", "-i", "0.05", "-w", "30", SERVER[family])
            assert greeting(bench.client, family, 60) == b"hello"
            served += 1


@pytest.fixture(name="pour")
def fixture_pour(bench):
    Control(bench.prefix).says("crash")  # what the last one left would be sent again
    yield bench.start_flood
    bench.kill_flood()


@pytest.mark.parametrize("case", CASES)
def test_flood_of(bench, pour, case):
    flags, port, (syn_ack, rst) = CASES[case]
    pour(flags, port)
    check_lawful(bench)  # the first of them has warmed up what a first segment touches
    before, memory = bench.counters(), bench.memory()
    check_lawful(bench)
    grown = bench.memory() - memory
    flood = bench.end_flood()
    after = bench.counters()
    print(f"{case}: {flood}")
    assert balanced(after), after
    rate = after["rx"] - before["rx"]
    assert rate > 1000, f"no flood: {rate} frames in {SECONDS} s"
    # Each segment has its answer; the flood's program did not take all of them in time.
    answers = flood["offered"] * (syn_ack + rst)
    came = flood["syn_ack"] + flood["rst"]
    lost, again = (after[name] - bench.before[name]
                   for name in ("tx_dropped", "syn_ack_retransmitted"))
    assert answers - lost - RINGS <= came <= answers + again, (flood, lost, again)
    assert lost < answers // 2 or not answers, f"{lost} of {answers} answers did not come"
    assert (flood["other"], flood["syn_ack"] > 0, flood["rst"] > 0) == (0, syn_ack > 0, rst > 0), flood
    assert grown < GROWTH, f"memory grew by {grown} KiB"
    # What a flood leaves is no more than a quarter of the table, half open: cookies = auto.
    assert after["half_open"] <= 5001, after
