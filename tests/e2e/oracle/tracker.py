# SPDX-License-Identifier: BSD-3-Clause
"""tracker - the state that a connection of riposte's is in at each moment of a sequence, as its
segments and replies tell. It only says when a mask may be used: what is wrong here cannot make
two replies the same."""
import dataclasses

from segments import ACK, FIN, M32, RST, SYN, signed

NONE, SYN_RECEIVED, ESTABLISHED = "none", "SYN-RECEIVED", "ESTABLISHED"
FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT = "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"
CLOSING, LAST_ACK, TIME_WAIT = "CLOSING", "LAST-ACK", "TIME-WAIT"
PEER_CLOSED = (CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT)
CLOSED = (FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK, TIME_WAIT)
FIN_SENT = {ESTABLISHED: FIN_WAIT_1, SYN_RECEIVED: FIN_WAIT_1, CLOSE_WAIT: LAST_ACK}
FIN_ACKED = {FIN_WAIT_1: FIN_WAIT_2, CLOSING: TIME_WAIT, LAST_ACK: NONE}
FIN_CAME = {ESTABLISHED: CLOSE_WAIT, FIN_WAIT_1: CLOSING, FIN_WAIT_2: TIME_WAIT}


def window(side):
    return max(side.stand.edge - side.stand.nxt, 0)


def acceptable(step, side):
    """RFC 9293 3.4 table 6."""
    length = step.text + bool(step.flags & SYN) + bool(step.flags & FIN)
    first, wnd = signed(side.seq - side.stand.nxt), window(side)
    if length == 0:
        return first == 0 if wnd == 0 else 0 <= first < wnd
    return 0 <= first < wnd or 0 <= first + length - 1 < wnd


@dataclasses.dataclass
class Tracker:
    """state and the rest are as they are before the next step."""
    tsval: int
    service: object
    state: str = NONE
    timestamps: bool = False
    recent: int = 0
    fin_sent: bool = False

    def old_by(self, step):
        """By how much it is older than TS.Recent; 0 or less where it passes PAWS."""
        if step is None or not self.timestamps or step.ts is None:
            return 0
        return signed(self.recent - self.tsval - step.ts)

    def follow(self, step, side, replies):
        self.state = self._next(step, side, replies)
        if any(one.flags & FIN for one in replies):
            self.fin_sent = True
            self.state = FIN_SENT.get(self.state, self.state)
        # Its FIN may be waiting for a window.
        after = self.service.closes_after
        nxt = max([side.stand.nxt, *(one.ack for one in replies if one.ack is not None)])
        if self.state == ESTABLISHED and after is not None and nxt > after:
            self.state = FIN_WAIT_1

    def _next(self, step, side, replies):
        if any(one.flags & SYN and not one.again for one in replies):
            self.fin_sent = False
            self.timestamps = any("ts" in one.options for one in replies)
            self.recent = (self.tsval + (step.ts or 0)) & M32
            return SYN_RECEIVED
        if step is None:
            if any(one.flags & RST for one in replies):
                return NONE
            waited = self.service.waits and self.state == ESTABLISHED
            return FIN_WAIT_1 if waited else self.state
        if self.state == NONE or step.multicast:
            return self.state
        if step.flags & RST:
            return NONE if side.seq == side.stand.nxt else self.state
        if any(one.flags & RST for one in replies):
            refused = self.state == SYN_RECEIVED and replies[0].ack is None
            return self.state if refused else NONE
        if self.timestamps and (step.ts is None or self.old_by(step) > 0):
            return self.state
        if step.flags & SYN:
            in_window = 0 <= signed(side.seq - side.stand.nxt) < window(side)
            return NONE if self.state == SYN_RECEIVED and in_window else self.state
        return self._synchronized(step, side, replies)

    def _synchronized(self, step, side, replies):
        state = self.state
        probe = window(side) == 0 and side.seq == side.stand.nxt
        if not step.flags & ACK or not (acceptable(step, side) or probe):
            return state
        if side.ack > side.stand.snd or side.ack < side.stand.una - (65535 << 14):
            return state
        if state == SYN_RECEIVED:
            if side.ack != side.stand.snd:
                return state
            state = FIN_WAIT_1 if self.service.closes_after == 0 else ESTABLISHED
        elif side.ack == side.stand.snd and self.fin_sent:
            state = FIN_ACKED.get(state, state)
        if self.timestamps and signed(side.seq - side.stand.nxt) <= 0:
            self.recent = (self.tsval + step.ts) & M32
        end = side.seq + step.text + 1
        if step.flags & FIN and any(one.ack == end for one in replies):
            state = FIN_CAME.get(state, state)
        return state
