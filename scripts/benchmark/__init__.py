# SPDX-License-Identifier: BSD-3-Clause
"""benchmark - the parts of scripts/bench: work has what is measured and what is asked of it; engine has
those that are measured, rounds takes them in turns; growth, workers, compare, idle, latency and flood are
the other parts of it, the last three on cable's veth pair, where probe is idle's client and listen Linux's
listener; report is what is printed. Processes, processors and huge pages are load's."""
