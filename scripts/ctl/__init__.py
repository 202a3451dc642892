# SPDX-License-Identifier: BSD-3-Clause
"""ctl - the parts of ripostectl: instance finds a riposte and talks to it, table prints what it said,
top is the live screen."""
