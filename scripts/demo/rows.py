# SPDX-License-Identifier: BSD-3-Clause
"""rows - every way in which a server fails: what goes on the wire, and what its client's program
sees. In the notation of expect.py; sequence numbers are relative to the initial ones, and for a
connection of which no handshake was seen they begin at 1."""
from dataclasses import dataclass

from . import clients

NOBODY = 9000  # a port that no listener of scenarios.conf has

HANDSHAKE = ["C > S [S], seq 0",
             "S > C [S.], seq 0, ack 1",
             "C > S [.], ack 1"]
# The client's kernel may leave the FIN's acknowledgement to its next segment.
FIN_ACKED = "? C > S [.], ack 2"
FULL = "S > C [.], ack 4001, win 0"
PROBE = "C > S [.], ack 1"
HUNG = [*HANDSHAKE,
        "C > S [P.], seq 1:1001, ack 1", "S > C [.], ack 1001",
        "C > S [P.], seq 1001:2001, ack 1", "S > C [.], ack 2001",
        "C > S [P.], seq 2001:3001, ack 1", "S > C [.], ack 3001",
        "C > S [P.], seq 3001:4001, ack 1", FULL,
        PROBE, FULL, PROBE, FULL,
        f"* {PROBE} | {FULL}"]
HUNG_CALLS = ["connect: 0", *["write 1000: 1000"] * 4, r"write until it blocks: {\d{4,}}",
              "write 1000: EAGAIN"]


@dataclass(frozen=True)
class Row:
    """number: design's. client: the client's program. listener: in scenarios.conf, None where
    nobody listens. wire, calls: what is expected. variant: where several rows have one number.
    host: the one that it needs, "good" or "dark" (closed = drop). event: what ripostectl does to
    the host meanwhile. neighbours: ARP or neighbour discovery, and ping, belong to it."""
    number: str
    client: object
    listener: str
    wire: list
    calls: list
    variant: str = ""
    host: str = "good"
    event: tuple = ()
    neighbours: bool = False

    @property
    def name(self):
        return f"{self.number} {self.variant}".strip()

    @property
    def slug(self):
        """For file names."""
        return self.name.replace(" ", "-")


ROWS = [
    Row("1", clients.refused, None,
        ["C > S [S], seq 0",
         "S > C [R.], seq 0, ack 1"],
        ["connect: ECONNREFUSED"]),
    Row("1b", clients.unknown, None,
        ["C > S [.], ack 1",
         "S > C [R], seq 1"],
        ["restored: ESTABLISHED", "read: ECONNRESET"]),
    Row("1c", clients.unanswered, None,
        ["C > S [S], seq 0",
         "900ms + C > S [S], seq 0"],
        ["connect: ETIMEDOUT"],
        host="dark"),
    Row("2", clients.gives_up, "slow-syn-ack",
        ["C > S [S], seq 0",
         "110ms S > C [S.], seq 0, ack 1",
         "C > S [R], seq 1"],
        ["connect: EINPROGRESS", "poll: nothing", "close: 0"]),
    Row("2c", clients.late_ack, "impatient-handshake",
        ["C > S [S], seq 0",
         "S > C [S.], seq 0, ack 1",
         "100ms S > C [R.], seq 1, ack 1",
         "C > S [.], ack 1",
         "S > C [R], seq 1"],
        ["connect: 0", "read: ECONNRESET"]),
    Row("2b", clients.writes_after_end, "impatient-read",
        [*HANDSHAKE,
         "100ms S > C [F.], seq 1, ack 1",
         FIN_ACKED,
         "C > S [P.], seq 1:5, ack 2",
         "S > C [R], seq 2"],
        ["connect: 0", "read: 0", "write 4: 4", "write 4: EPIPE, SIGPIPE"]),
    Row("3", clients.writes_5000, "half-read",
        [*HANDSHAKE,
         r"+ C > S [{P?}.], seq {\d+:\d+}, ack 1 | S > C [.], ack {\d+}",
         "S > C [.], ack 5001",
         "S > C [R.], seq 1, ack 5001"],
        ["connect: 0", "write 5000: 5000", "read: ECONNRESET"]),
    Row("3b", clients.aborted, "abort",
        [*HANDSHAKE,
         "S > C [R.], seq 1, ack 1",
         *HANDSHAKE,
         "S > C [R.], seq 1, ack 1"],
        ["connect: EINPROGRESS", "poll: readable", "read: ECONNRESET",
         "connect: EINPROGRESS", "write 4: ECONNRESET", "write 4: EPIPE, SIGPIPE"]),
    Row("4", clients.writes_on, "closed-at-once",
        [*HANDSHAKE,
         "S > C [F.], seq 1, ack 1",
         FIN_ACKED,
         "C > S [P.], seq 1:5, ack 2",
         "S > C [R], seq 2"],
        ["connect: 0", "poll: readable", "read: 0", "write 4: 4", "read: 0",
         "write 4: EPIPE, SIGPIPE"]),
    Row("4a", clients.writes_unread, "unread",
        [*HANDSHAKE,
         "C > S [P.], seq 1:5, ack 1",
         "S > C [.], ack 5",
         "S > C [R.], seq 1, ack 5"],
        ["connect: 0", "write 4: 4", "poll: readable", "read: ECONNRESET"]),
    Row("4b", clients.writes_to_reader, "half-close",
        [*HANDSHAKE,
         "S > C [F.], seq 1, ack 1",
         FIN_ACKED,
         "C > S [P.], seq 1:1001, ack 2",
         "S > C [.], ack 1001",
         "C > S [P.], seq 1001:2001, ack 2",
         "S > C [.], ack 2001",
         "C > S [F.], seq 2001, ack 2",
         "S > C [.], ack 2002"],
        ["connect: 0", "read: 0", "write 1000: 1000", "write 1000: 1000", "shutdown: 0",
         "read: 0"]),
    Row("5", clients.writes_after_crash, "good",
        [*HANDSHAKE,
         "C > S [P.], seq 1:5, ack 1",
         "S > C [.], ack 5",
         "C > S [P.], seq 5:9, ack 1",
         "S > C [R], seq 1"],
        ["connect: 0", "write 4: 4", "(ripostectl crash)", "write 4: 4", "read: ECONNRESET"],
        event=("crash",)),
    Row("5b", clients.probes_after_crash, "good",
        [*HANDSHAKE,
         "1900ms C > S [.], ack 1",
         "S > C [R], seq 1"],
        ["connect: 0", "(ripostectl crash)", "read: ECONNRESET"],
        event=("crash",)),
    Row("6", clients.connects_to_silence, "good",
        ["C > S who-has",
         "S > C is-at",
         "C > S [S], seq 0",
         "900ms + C > S [S], seq 0",
         "C > S ping"],
        ["(ripostectl down)", "connect: ETIMEDOUT", "ping: no answer"],
        event=("down",), neighbours=True),
    Row("6b", clients.connects_to_nobody, "good",
        ["+ C > S who-has"],
        ["(ripostectl down --arp)", "connect: EHOSTUNREACH"],
        event=("down", "--arp"), neighbours=True),
    Row("7", clients.fills, "hung", HUNG, HUNG_CALLS),
    Row("7", clients.fills, "never-accepts", HUNG, HUNG_CALLS, variant="no accept"),
    Row("8", clients.resets, "reset-by-client",
        [*HANDSHAKE,
         "C > S [P.], seq 1:1001, ack 1",
         "S > C [.], ack 1001",
         "C > S [R.], seq 1001, ack 1",
         f"400ms {HANDSHAKE[0]}", *HANDSHAKE[1:]],
        ["connect: 0", "write 1000: 1000", "linger 0: 0", "close: 0", "connect: 0"]),
    Row("9", clients.closes_first, "client-first",
        [*HANDSHAKE,
         "C > S [P.], seq 1:5, ack 1",
         "S > C [.], ack 5",
         "C > S [F.], seq 5, ack 1",
         "? S > C [.], ack 6",
         "S > C [F.], seq 1, ack 6",
         "C > S [.], ack 2"],
        ["connect: 0", "write 4: 4", "shutdown: 0", "read: 0", "close: 0", "state: TIME-WAIT"],
        variant="client first"),
    Row("9", clients.closes_second, "server-first",
        [*HANDSHAKE,
         "100ms S > C [F.], seq 1, ack 1",
         FIN_ACKED,
         "C > S [F.], seq 1, ack 2",
         "S > C [.], ack 2"],
        ["connect: 0", "read: 0", "close: 0", "state: none"],
        variant="server first"),
    Row("9", clients.closes_meanwhile, "both-at-once",
        [*HANDSHAKE,
         "C > S [P.], seq 1:301, ack 1",
         "S > C [.], ack 301",
         "100ms S > C [F.], seq 1, ack 301",
         "C > S [F.], seq 301, ack 1",
         # On a busy machine the client may send its FIN again.
         "* C > S [.], ack 2 | C > S [F.], seq 301, ack 2",
         "S > C [.], ack 302",
         "* C > S [.], ack 2 | C > S [F.], seq 301, ack 2 | S > C [.], ack 302"],
        ["connect: 0", "write 300: 300", "shutdown: 0", "read: 0", "state: TIME-WAIT"],
        variant="both at once"),
]
