# SPDX-License-Identifier: BSD-3-Clause
"""verdict - two servers' replies to one sequence compared: what timers sent again is left out, then
what differs by a decision in one field alone, and then a mask has to say why."""
import dataclasses

from known import MASKS, recent_differs
from masks import ENDS, GOES_ON, At
from segments import ACK, FIN, RST, SYN
from tracker import Tracker


@dataclasses.dataclass
class Verdict:
    """used: the masks that were. steps: how many were compared. unexplained: the number of the step
    that no mask explains, or None. timers: the comparison ended because of a timer."""
    used: set
    steps: int
    unexplained: int = None
    timers: bool = False


def once(moments, side):
    """A side's replies, moment by moment, without what its timers sent again or probed with: when
    is no opinion. A SYN-ACK, and no more than one, is an answer where there was a SYN."""
    out, end = [], None
    for moment in moments:
        kept = []
        for reply in moment.sides[side].replies:
            if reply.flags & SYN:
                if reply.again and (kept or not (moment.step and moment.step.flags & SYN)):
                    continue
                end = reply.end
            elif end is not None and not reply.flags & RST:
                # riposte's probe of a window that holds its FIN back; Linux's is out of reach.
                if side == 0 and reply.pure_ack and reply.seq == end - 1:
                    continue
                if reply.end > reply.seq and reply.end <= end:
                    continue
                end = max(end, reply.end)
            kept.append(reply)
        out.append(kept)
    return out


def by_timer(moments):
    """Has riposte perhaps sent text because of a timer: again, which changes what else it sends, or
    into a window that was shut?"""
    shut, end = False, None
    for moment in moments:
        shut = shut or moment.step is not None and moment.step.win < 100
        for number, reply in enumerate(moment.sides[0].replies):
            if reply.flags & SYN and number > 0:
                return True
            if reply.text and (shut or end is not None and reply.seq < end):
                return True
            if reply.text or reply.flags & SYN:
                end = reply.end
    return False


def compare(sequence, moments):
    """The verdict on what was played."""
    replies = [once(moments, side) for side in (0, 1)]
    tracker = Tracker(sequence.tsval, sequence.service)
    verdict = Verdict(set(), 0)
    before = []
    for number, moment in enumerate(moments):
        ours, theirs = (dataclasses.replace(one, replies=replies[side][number])
                        for side, one in enumerate(moment.sides))
        at = At(sequence, moment.step, ours, theirs, tracker.state,
                tracker.old_by(moment.step), tracker.timestamps, tracker.recent, before)
        verdict.steps += 1
        if not same(at, verdict.used):
            said = explain(at, verdict.used)
            if said is None and by_timer(moments[:number + 1]):
                verdict.timers = True
                return verdict
            if said is None:
                verdict.unexplained = number
                return verdict
            if said == ENDS:
                return verdict
        tracker.follow(moment.step, ours, ours.replies)
        before.append(at)
    return verdict


def explain(at, used):
    for one in sorted(MASKS, key=lambda one: one.lasting):
        if (at.step or one.lasting) and (said := one.explains(at)):
            assert said in (GOES_ON, ENDS), one
            used.add(one.name)
            return said
    return None


def same(at, used):
    """Are the replies the same but for fields that have a mask? Then those masks were used."""
    ours, theirs = at.ours.replies, at.theirs.replies
    if ours == theirs:
        return True
    fields = set()
    if len(ours) != len(theirs):
        ours, theirs = without_acks(ours), without_acks(theirs)
        fields.add(D13)
    if any(one.text for one in ours) and list(map(bare, ours)) != list(map(bare, theirs)):
        ours, theirs = stream(ours), stream(theirs)
        fields.add(CUT)
    if len(ours) != len(theirs):
        return False
    for one, other in zip(ours, theirs):
        differing = compare_fields(at, one, other)
        if differing is None:
            return False
        fields |= differing
    used |= fields
    return True


D13, D23, D12 = "D-13", "D-23, the window", "D-12, SACK blocks"
RST_WINDOW, CUT, RECENT = "RST_ABORT's window", "cut", "TS.Recent"
FIELDS = {
    D13: "Linux acknowledges what came and then sends what its application does, riposte in one",
    D23: "the window is receive_buffer less what is unread, to the byte; Linux counts its memory, "
         "and in a SYN-ACK whole segments",
    RST_WINDOW: "section 10: Linux's RST,ACK has its window; any will do",
    D12: "text out of order is not held, so there is nothing to say of it in SACK blocks",
    CUT: "where a text of several segments is cut, which of them has PSH, whether its FIN is apart",
    RECENT: "Linux takes no TSval from a segment with an old ACK, nor in TIME-WAIT from one that "
            "it does not want; RFC 7323 4.3 (2) looks at SEG.SEQ and TSval alone",
}


def compare_fields(at, one, other):
    """The fields' masks that two replies need to be the same; None if those do not do."""
    fields = set()
    if bare(one) != bare(other):
        if bare(one, "ts") != bare(other, "ts") or not any(
                map(recent_differs, [*at.before, at])):
            return None
        fields.add(RECENT)
    if one.win != other.win:
        if one.flags & SYN and not 0 < one.win - other.win < 1460:
            return None
        fields.add(RST_WINDOW if one.flags & RST else D23)
    if SACK_BLOCKS in other.options:
        fields.add(D12)
    return fields


SACK_BLOCKS = "kind 5"


def without_acks(replies):
    """Without ACKs that the next segment repeats."""
    out = []
    for one, then in zip(replies, [*replies[1:], None]):
        if one.pure_ack and then and then.ack is not None and then.ack >= one.ack:
            continue
        out.append(one)
    return out


def stream(replies):
    """Texts in one piece, and their FIN apart."""
    out = []
    for one in replies:
        fin = one.flags & FIN
        if one.text:
            text = dataclasses.replace(one, flags=ACK)
            if out and out[-1].text and out[-1].end == one.seq:
                text = dataclasses.replace(text, seq=out[-1].seq, text=out[-1].text + one.text)
                out.pop()
            out.append(text)
            one = dataclasses.replace(one, seq=one.seq + one.text, text=0, flags=FIN | ACK)
            if not fin:
                continue
        out.append(one)
    return out


def bare(reply, *without):
    """What has to be equal."""
    options = [one for one in reply.options.split(",")
               if one not in ("", SACK_BLOCKS) and one.split(" ")[0] not in without]
    return dataclasses.replace(reply, win=None, options=options)


def told(sequence, moments):
    """A sequence as it was played, for people."""
    out = [f"listener {sequence.service.name}: port {sequence.service.port}, script "
           f"{sequence.service.script}, receive_buffer {sequence.service.window}"]
    replies = [once(moments, side) for side in (0, 1)]
    for number, moment in enumerate(moments):
        out.append(f"  {number}  {moment.step or 'time passes'}   ({numbers(moment)})")
        for side, name in enumerate(("riposte", "Linux")):
            came = "; ".join(map(str, replies[side][number]))
            out.append(f"       {name:8} {came or '-'}")
    return "\n".join(out)


def numbers(moment):
    """What the names came to; twice where they differ."""
    seen = [f"seq {side.seq}" + ("" if side.ack is None else f" ack {side.ack}")
            for side in moment.sides]
    return seen[0] if seen[0] == seen[1] else f"{seen[0]}, for Linux {seen[1]}"
