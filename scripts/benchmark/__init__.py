# SPDX-License-Identifier: BSD-3-Clause
"""benchmark - the parts of scripts/bench: work has what is measured and what is asked of it; engine has
those that are measured, rounds takes them in turns; growth, workers, compare and idle are the other parts
of it, and probe is idle's client; report is what is printed. Processes, processors and huge pages are
load's."""
