# SPDX-License-Identifier: BSD-3-Clause
"""roughcable - a cable with roughcable.c in a namespace of its own in the middle of it."""
import signal
import subprocess

from netns import Netns, die_with_parent, quiet, veth
from responder import BUILD

PROGRAM = BUILD / "tests" / "e2e" / "roughcable"


class RoughCable:
    """ends: a namespace and the name of the interface there, each. fate: delay in ms, loss,
    duplicates and reordering in percent, the seed."""

    def __init__(self, one, other, fate):
        self.netns = Netns("m")
        for (netns, name), here in ((one, "m0"), (other, "m1")):
            veth(netns, name, self.netns, here)
            quiet(self.netns, here)
            self.netns.run("ip", "link", "set", here, "up")
        self.process = subprocess.Popen(
            self.netns.command(str(PROGRAM), "m0", "m1", *map(str, fate)), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        assert self.process.stdout.readline() == b"ready\n"

    def hold(self):
        """What is sent from now on stays on the cable until release()."""
        self.process.send_signal(signal.SIGSTOP)

    def release(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        self.netns.close()
