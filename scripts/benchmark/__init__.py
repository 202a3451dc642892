# SPDX-License-Identifier: BSD-3-Clause
"""benchmark - the parts of scripts/bench: work has what is measured and what is asked of it; engine
runs riposte's packet path, yardstick dpdk-testpmd; rounds takes them in turns; report is what is printed
of it. Processes, processors and huge pages are load's."""
