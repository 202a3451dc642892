# SPDX-License-Identifier: BSD-3-Clause
"""known - the masks: rules.md section 10 and the decisions of its section 4, and what else Linux
does by a choice of its own. A lasting one is asked last."""
import tracker
from masks import ENDS, GOES_ON, MASKS, mask
from segments import ACK, FIN, RST, SYN
from tracker import (CLOSING, CLOSE_WAIT, FIN_WAIT_1, FIN_WAIT_2, LAST_ACK, PEER_CLOSED,
                     SYN_RECEIVED, TIME_WAIT)

MD5 = "hex 1312"


def recent_differs(at):
    """Does riposte take its TSval and Linux not?"""
    return (at.step is not None and at.step.ts is not None and at.flags & ACK and
            (at.state == TIME_WAIT or at.orphan and at.state == FIN_WAIT_2 or
             at.ours.ack < at.ours.stand.una or overruns(at, at.theirs)))


def overruns(at, side):
    return at.length and side.seq + at.length > side.stand.edge


def unless(condition):
    """It ends, unless both stand where they stood."""
    return GOES_ON if condition else ENDS


def empty(at):
    """Could it bring nothing to either?"""
    return at.length == 0 and at.state != SYN_RECEIVED and (
        at.ours.ack is None or at.ours.ack == at.ours.stand.una)


@mask("D-3", "port 0 is no port; Linux answers it as a closed one")
def port_0(at):
    return at.sequence.service.port == 0 and not at.ours.replies and GOES_ON


@mask("IPv6 multicast", "section 10: Linux answers a listener's ACK to all hosts with a RST")
def all_hosts(at):
    return at.step.multicast and at.both("silence", "RST") and GOES_ON


@mask("D-11", "a SYN with FIN to a listener is a SYN; Linux drops it, with TIME-WAIT that it "
      "ended")
def syn_fin(at):
    return (at.flags & SYN and at.flags & FIN and
            (at.both("SYN-ACK", "silence") or
             at.state == TIME_WAIT and at.both("ACK", "silence")) and ENDS)


@mask("MD5 option", "section 10: Linux drops what has one; an option that is not known is "
      "skipped", lasting=True)
def md5(at):
    if has_md5(at):
        return at.both("*", "silence") and ENDS
    return any(one.state == SYN_RECEIVED and has_md5(one) for one in at.before) and ENDS


def has_md5(at):
    return at.step is not None and MD5 in at.step.options


@mask("D-8", "a SYN in the handshake's window ends it silently; Linux sends a RST as well")
def syn_in_handshake(at):
    alike = (at.first >= 0 and at.old_by <= 0 and not at.lacks_timestamp and
             (not at.flags & ACK or at.ours.ack == at.ours.stand.snd))
    return (at.state == SYN_RECEIVED and at.flags & SYN and
            (at.both("silence", "RST") or at.both("silence", "RST,ACK")) and unless(alike))


@mask("SYN before the window", "RFC 9293 3.10.7.4 step 1 cuts it off an acceptable segment; "
      "Linux, once the ACK has established the connection, answers it by RFC 5961 4.2, or with a "
      "RST if there is text")
def syn_before_window(at):
    return (at.state == SYN_RECEIVED and at.flags & SYN and at.flags & ACK and
            at.first < 0 < at.last and (at.both("*", "ACK") or at.both("*", "RST")) and ENDS)


@mask("SYN-RECEIVED, ACK first", "section 10: Linux looks at the ACK before SEQ")
def ack_first(at):
    return (at.state == SYN_RECEIVED and at.flags & ACK and at.ours.ack != at.ours.stand.snd and
            at.both("ACK", "RST") and GOES_ON)


@mask("no ACK", "section 10: Linux drops it first, wherever it is")
def no_ack(at):
    return not at.flags & (ACK | RST | SYN) and at.both("ACK", "silence") and GOES_ON


@mask("PAWS by one", "Linux lets a TSval pass that is one older than TS.Recent; RFC 7323 5.3 R1 "
      "does not")
def paws_by_one(at):
    return at.old_by == 1 and at.both("ACK", "*") and ENDS


@mask("TS.Recent of 0", "Linux takes it for none, looks at no TSval, and leaves its own out where "
      "it has no socket yet, or no more; to RFC 7323 it is a number")
def recent_of_0(at):
    if at.recent != 0 or not at.timestamps:
        return False
    if (at.state in (SYN_RECEIVED, FIN_WAIT_2, TIME_WAIT) and at.both("ACK", "ACK") and
            not at.theirs.replies[0].options):
        return GOES_ON
    return at.old_by > 0 and at.both("ACK", "*") and ENDS


@mask("PAWS", "section 10: a pure ACK that fails PAWS draws no ACK from Linux")
def paws(at):
    return at.old_by > 0 and at.length == 0 and at.both("ACK", "silence") and GOES_ON


@mask("TIME-WAIT", "section 10: there Linux acknowledges text, and what is off RCV.NXT; and is "
      "silent to an inexact RST and, at RCV.NXT, to a bad ACK; D-18: it acknowledges a second FIN")
def time_wait(at):
    quiet = at.flags & RST or at.first == 0
    return (at.state == TIME_WAIT and
            (at.both("silence", "ACK") or quiet and at.both("ACK", "silence")) and GOES_ON)


@mask("SYN in TIME-WAIT", "section 10: Linux wants SEQ > RCV.NXT; RFC 9293 3.6.1 (1) more than "
      "the last, which was the FIN's")
def syn_in_time_wait(at):
    return at.state == TIME_WAIT and at.first == 0 and at.both("SYN-ACK", "ACK") and ENDS


@mask("orphan, FIN", "section 10: without a reader Linux resets at a FIN out of order")
def orphan_fin(at):
    return (at.orphan and at.state in (FIN_WAIT_1, FIN_WAIT_2) and at.first > 0 and
            at.flags & FIN and at.both("ACK", "RST") and ENDS)


@mask("orphan, RST", "section 10: in FIN-WAIT-2 without a reader Linux takes a RST that is in the "
      "window, and answers one that is not")
def orphan_rst(at):
    return (at.orphan and at.state == FIN_WAIT_2 and at.flags & RST and
            (at.both("ACK", "silence") and ENDS or at.both("silence", "ACK") and GOES_ON))


@mask("orphan, SYN", "section 10: in FIN-WAIT-2 without a reader Linux resets at a SYN in the "
      "window; it is silent where only what is behind the SYN is in it")
def orphan_syn(at):
    answers = ("RST", "RST,ACK") if at.first >= 0 else ("silence",)
    return (at.orphan and at.state == FIN_WAIT_2 and at.flags & SYN and
            any(at.both("ACK", one) for one in answers) and ENDS)


@mask("orphan, ACK", "section 10: in FIN-WAIT-2 without a reader Linux does not see that an ACK "
      "is too new, or too old: it is silent, takes a FIN, and resets if there is text")
def orphan_ack(at):
    return (at.orphan and at.state == FIN_WAIT_2 and at.flags & ACK and
            not at.ours.stand.una <= at.ours.ack <= at.ours.stand.snd and
            (at.both("ACK", "silence") and GOES_ON or at.both("ACK", "*") and ENDS))


@mask("text behind the FIN", "section 10: where some of it is old, Linux sends a RST")
def behind_fin(at):
    return at.state in PEER_CLOSED and at.first < 0 < at.last and at.both("*", "RST") and ENDS


@mask("D-18", "a second FIN is ignored; behind old text Linux takes it, and moves RCV.NXT again")
def second_fin(at):
    return (at.state in PEER_CLOSED and at.flags & FIN and at.first < 0 < at.last and
            any(one.ack == at.theirs.stand.nxt + 1 for one in at.theirs.replies) and ENDS)


@mask("D-27", "a FIN does not fit into a window of 0; Linux takes it")
def fin_in_no_window(at):
    return (at.flags & FIN and at.ours.stand.edge == at.ours.stand.nxt and
            at.both("ACK", "*") and ENDS)


@mask("right edge", "section 10: SEQ = RCV.NXT + RCV.WND is inside for Linux, and so its ACK "
      "counts", lasting=True)
def right_edge(at):
    if at_edge(at) and at.flags & RST and at.both("silence", "ACK"):
        return GOES_ON
    if at_edge(at) and not at.flags & RST and at.both("ACK", "*"):
        return unless(empty(at))
    return any(at_edge(one) and brings(one) for one in at.before) and ENDS


def at_edge(at):
    return at.step is not None and at.theirs.seq == at.theirs.stand.edge


def brings(at):
    """Does it acknowledge something new?"""
    return at.flags & ACK and not at.flags & RST and (
        at.state == SYN_RECEIVED or at.ours.ack > at.ours.stand.una)


@mask("left edge", "section 10: old text that ends at RCV.NXT is inside for Linux: its ACK "
      "counts, and its TSval", lasting=True)
def left_edge(at):
    return (ends_at_nxt(at) or any(ends_at_nxt(one) and (
        brings(one) or at.timestamps and one.state != SYN_RECEIVED) for one in at.before)) and ENDS


def ends_at_nxt(at):
    return at.length and at.last == 0 and not at.flags & RST


@mask("overrun", "section 10: Linux refuses a segment whole that overruns the window")
def overrun(at):
    return (overruns(at, at.theirs) and at.both("*", "ACK") and
            unless(at.both("silence", "*") or at.both("ACK", "*")))


@mask("D-23", "the window is receive_buffer less what is unread, to the byte; what fits into "
      "one's may not into the other's, or not wholly; and Linux refuses what it has no memory for")
def windows(at):
    return (at.acceptable != tracker.acceptable(at.step, at.theirs) or
            overruns(at, at.ours) != overruns(at, at.theirs) or
            at.ours.seq != at.theirs.seq and at.both("ACK of more", "ACK of more") or
            at.both("ACK of more", "ACK") and at.theirs.replies[0].win == 0) and ENDS


@mask("old ACK", "section 10: Linux refuses an ACK below SND.UNA less what was acknowledged")
def old_ack(at):
    return (at.flags & ACK and at.ours.ack < at.ours.stand.una and at.both("*", "ACK") and
            unless(at.length == 0))


@mask("fast path", "section 10: Linux looks at no old ACK where the header is as predicted")
def fast_path(at):
    return (at.flags & ACK and at.ours.ack < at.ours.stand.una and at.first == 0 and at.length and
            at.both("ACK", "*") and ENDS)


@mask("D-12", "text out of order is not held; Linux holds it, and acknowledges it once it can")
def held(at):
    ours, theirs = at.ours.replies, at.theirs.replies
    return (ours and theirs and ours[0].ack is not None and theirs[0].ack is not None and
            theirs[0].ack > ours[0].ack and any(out_of_order(one) for one in at.before) and ENDS)


def out_of_order(at):
    return at.step is not None and at.first > 0 and at.length > 0 and at.acceptable


@mask("shrunk window", "Linux's ACK has the SEQ at which a window ends that has shrunk; RFC 9293 "
      "3.10.7.4 has SND.NXT")
def shrunk(at):
    ours, theirs = at.ours.replies, at.theirs.replies
    return (len(ours) == len(theirs) == 1 and ours[0].pure_ack and theirs[0].pure_ack and
            theirs[0].seq < ours[0].seq and ours[0].ack == theirs[0].ack and
            any(one.step and one.step.win < 2000 for one in [*at.before, at]) and GOES_ON)


@mask("RST with text", "RFC 9293 3.10.7.4 step 2 goes by SEG.SEQ alone; Linux by where the text "
      "is, too", lasting=True)
def rst_with_text(at):
    if at.flags & RST and at.length and (at.both("silence", "ACK") or at.both("ACK", "silence")):
        return GOES_ON
    return any(one.flags & RST and one.length and one.first == 0 for one in at.before) and ENDS


@mask("RST at a SACK block's end", "section 10: Linux takes it", lasting=True)
def rst_at_block(at):
    return any(one.flags & RST and one.first > 0 and one.ours.seq == one.ours.stand.held
               for one in [*at.before, at]) and ENDS


@mask("RST at RCV.NXT - 1", "section 10: behind the peer's FIN Linux takes it", lasting=True)
def rst_before(at):
    return any(one.flags & RST and one.first == -1 and one.state in (CLOSE_WAIT, CLOSING, LAST_ACK)
               for one in at.before) and ENDS


@mask("D-19", "a segment without the timestamp that was agreed on is dropped; Linux takes "
      "it", lasting=True)
def no_timestamp(at):
    return any(one.lacks_timestamp for one in [*at.before, at]) and ENDS


@mask("TS.Recent", "verdict.py, RECENT: and so PAWS and RFC 6191 may come to other "
      "conclusions", lasting=True)
def recent(at):
    return (at.timestamps and (at.old_by > 0 or at.flags & SYN and at.state == TIME_WAIT) and
            any(recent_differs(one) for one in at.before) and ENDS)


@mask("TSecr in the handshake", "Linux takes only the TSval of its SYN-ACK, not that of an ACK "
      "which it sent since, not even with a RST; to look at TSecr there is no rule of RFC "
      "7323", lasting=True)
def echo_in_handshake(at):
    moments = [*at.before, at]
    return any(one.state == SYN_RECEIVED and one.timestamps and
               any(other.state == SYN_RECEIVED and other.both("*", "ACK")
                   for other in moments[:number])
               for number, one in enumerate(moments)) and ENDS


@mask("PAWS of a RST", "RFC 7323 5.2: a RST is taken whatever its TSval; Linux drops an old one "
      "where it has no socket yet, or no more", lasting=True)
def paws_of_rst(at):
    return any(one.state in (SYN_RECEIVED, FIN_WAIT_2, TIME_WAIT) and one.flags & RST and
               one.first == 0 and one.old_by > 0 for one in at.before) and ENDS


@mask("SND.WL1", "README, Deviations: segments that begin at RCV.NXT set SND.WND, and no "
      "others", lasting=True)
def snd_wl1(at):
    return (speaks(at.ours) != speaks(at.theirs) and
            any(one.first != 0 and one.flags & ACK for one in [*at.before, at]) and ENDS)


def speaks(side):
    """Sends it a FIN or text?"""
    return any(one.flags & FIN or one.text for one in side.replies)


__all__ = ["MASKS"]
