# SPDX-License-Identifier: BSD-3-Clause
"""reports - what the sanitizers, or valgrind, have to say of any program that the tests start: a
file each, so that none is lost in what a test does not read, and a failure of the test."""
import os

# Of an exit status that no program has of itself: a test that only looks for "not 0" is not misled.
EXIT = 99


class Reports:
    """Those that come as files into directory."""

    def __init__(self, directory):
        self.directory = directory
        self.read = {}  # how much of each file has been taken

    def ask_for(self):
        """Programs that are started from now on write them there: whichever they are, whoever
        starts them, and whether or not they were built to have any."""
        os.environ["RIPOSTE_REPORTS"] = str(self.directory)  # for RIPOSTE_UNDER
        os.environ["ASAN_OPTIONS"] = ":".join((
            f"log_path={self.directory}/sanitizer", f"exitcode={EXIT}", "detect_leaks=1",
            "detect_stack_use_after_return=1"))
        os.environ["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"

    def take(self):
        """What has come since the last time, as text."""
        said = ""
        for path in sorted(self.directory.iterdir()):
            text = path.read_text(encoding="utf-8", errors="replace")
            if news := text[self.read.get(path, 0):]:
                said += f"--- {path.name}\n{news}"
            self.read[path] = len(text)
        return said
