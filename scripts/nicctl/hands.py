# SPDX-License-Identifier: BSD-3-Clause
"""hands - what alters something: files written, programs run. With --dry-run they only say so, each
step as the shell would have it."""
import os
import shlex
import shutil
import signal
import subprocess

from nicctl.system import Refused

SEARCHED = ":/usr/local/sbin:/usr/sbin:/sbin"  # an operator's PATH need not have these
PACKAGES = {"dpdk-devbind.py": "dpdk", "lspci": "pciutils", "ip": "iproute2", "modprobe": "kmod"}


class Stopped(Exception):
    """Somebody asked us to end, with this signal."""


class Hands:
    """Steps are not to be torn: signals are looked at between them."""

    def __init__(self, system, dry_run):
        self.system = system
        self.dry_run = dry_run
        self.signal = None
        self.path = os.environ.get("PATH", "/usr/bin:/bin") + SEARCHED

    def catch_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked)

    def _asked(self, number, _):
        self.signal = number

    def between_steps(self):
        if self.signal:
            raise Stopped(self.signal)

    def say(self, text):
        """What is no step. In a dry run it may stand among them."""
        print(f"# {text}" if self.dry_run else text, flush=True)

    def need(self, *programs):
        for program in programs:
            if not shutil.which(program, path=self.path):
                raise Refused(f"there is no {program} on this machine: apt install "
                              f"{PACKAGES[program]}")

    def make_directory(self, name):
        if self.system.exists(name):
            return
        if self.dry_run:
            print(f"mkdir -p {name}")
            return
        self.system.path(name).mkdir(parents=True)

    def write(self, name, text):
        if self.dry_run:
            print(f"echo {shlex.quote(text)} >{name}")
            return
        try:
            with open(self.system.path(name), "w", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except OSError as error:
            raise Refused(f"{name}: {error.strerror}") from None

    def remove(self, name):
        if self.dry_run:
            print(f"rm {name}")
            return
        self.system.path(name).unlink(missing_ok=True)

    def run(self, *command):
        """The last line that it printed: there it says what went wrong."""
        if self.dry_run:
            print(shlex.join(command))
            return ""
        self.need(command[0])
        # A session of its own: Ctrl-C is for us, who undo what it has done.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, start_new_session=True,
                              env={**os.environ, "PATH": self.path}, errors="replace")
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        said = "".join(c if c.isprintable() else "?" for c in lines[-1]) if lines else \
            f"exit {done.returncode}"
        return said
