# SPDX-License-Identifier: BSD-3-Clause
"""work - what riposte does in each row, and how much of 5tswap's rate is asked of it."""
from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, eq=False)
class Work:
    """least and aim: of 5tswap's rate, over IPv4. live: connections in the table; where fills is set the
    row begins without any and makes them. shares: of the frames, riposte's counters. spare: room for
    connections beside those that live."""
    name: str
    title: str
    least: float
    aim: float
    live: int
    shares: dict
    fills: bool = False
    spare: int = 0


WORKS = {each.name: each for each in (
    Work("syn-closed", "SYN to a closed port: RST", 0.70, 0.90, 0, {"rst.no_listener": 1}),
    Work("ack-unknown", "ACK of no connection, 1 million live: RST", 0.55, 0.75, MILLION,
         {"rst.no_connection": 1}),
    Work("syn-cookie", "SYN: SYN-ACK with a cookie", 0.50, 0.70, 0, {"cookies_sent": 1}),
    Work("syn-entry", "SYN: SYN-ACK and an entry, up to 10 million", 0.30, 0.45, 10 * MILLION,
         {"opened": 1}, fills=True),
    Work("whole", "whole connections, 1 million live", 0.35, 0.50, MILLION,
         {"opened": 0.2, "established": 0.2, "closed": 0.2, "answered": 0.6, "consumed": 0.4},
         spare=16384),
    Work("live", "text again and ACKs, 10 million live", 0.35, 0.50, 10 * MILLION,
         {"answered": 0.5, "consumed": 0.5}),
)}
TOLERANCE = 0.01  # of the frames, that ended otherwise


def configuration(work, family, live):
    """riposte's, for a row with that many connections."""
    address = {4: "198.18.0.1", 6: "2001:2::1"}[family]
    listener = """\
listener "{}" {{
    ports   = {}
    cookies = {}
    backlog = 1000000
    script  = {{ "accept", "read all", "close" }}
}}
"""
    return (f'host {{\n    owns        = {{ "{address}" }}\n    connections = {max(1, live + work.spare)}\n'
            "    senders     = 1\n    echo_memory = 0\n}\n"
            + listener.format("entry", 80, "never") + listener.format("cookie", 81, "always"))


def wrong(work, counted):
    """What does not hold of the frames of one measurement, a line each."""
    received = counted.get("rx", 0)
    if received == 0:
        return ["riposte received nothing"]
    found = []
    for name, share in work.shares.items():
        if abs(counted.get(name, 0) - share * received) > TOLERANCE * received:
            found.append(f"{name} is {counted.get(name, 0)} of {received} frames, and it should be "
                         f"{share:.0%}")
    dropped = sum(value for name, value in counted.items() if name.startswith("dropped."))
    if dropped > TOLERANCE * received:
        found.append(f"{dropped} of {received} frames were dropped")
    return found
