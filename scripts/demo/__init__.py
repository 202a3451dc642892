# SPDX-License-Identifier: BSD-3-Clause
"""demo - every way in which a server fails, played with Linux clients: sudo scripts/run demo."""
