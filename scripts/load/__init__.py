# SPDX-License-Identifier: BSD-3-Clause
"""load - the parts of scripts/pktgen: case reads what is sent and frames makes it where Pktgen does
not; options has what is on a command line, machine processes, processors and huge pages; responder and
sender are the two sides; measure is one run of them, report what is printed of it."""
