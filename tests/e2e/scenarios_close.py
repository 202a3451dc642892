# SPDX-License-Identifier: BSD-3-Clause
"""scenarios_close - how connections begin and end, and who had read what by then."""
from scenarios import D23, scenario


@scenario(listens=False)
def nobody_listens(c):
    c.connect()


@scenario("accept", "timeout 200ms", "read", "close")
def server_tires_of_reading(c):
    c.connect()
    c.poll("POLLIN")
    c.recv()
    c.send(b"late")
    c.poll("POLLHUP")
    c.send(b"more")


@scenario("accept", "timeout 500ms", "read 10", "close")
def server_tires_in_the_middle(c):
    c.connect()
    c.send(b"abc")
    c.settled()
    c.recv()


@scenario("accept", "timeout 500ms", "read all", "close")
def server_tires_of_reading_on(c):
    c.connect()
    c.send(b"abc")
    c.settled()
    c.recv()
    c.shutdown()


@scenario("accept", "timeout 10s", "read 3", "read", "close")
def server_is_not_tired_yet(c):
    c.connect()
    c.send(b"abc")
    c.settled()
    c.send(b"d")
    c.recv()


@scenario("accept", "read 4096", "close")
def half_read(c):
    """The text that completes the read leaves 904 bytes behind."""
    c.connect()
    c.send(bytes(4095))
    c.settled()
    c.send(bytes(905))
    c.poll("POLLHUP")
    c.recv()
    c.recv()


@scenario("accept", "sleep 500ms", "read 4096", "close")
def half_read_of_what_was_there(c):
    c.connect()
    c.send(bytes(5000))
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "read 4096", "close")
def all_read(c):
    c.connect()
    c.send(bytes(4095))
    c.settled()
    c.send(b"x")
    c.recv()
    c.shutdown()


@scenario("accept", "read 4096", "close")
def read_cut_short_by_a_fin(c):
    c.connect()
    c.send(bytes(100))
    c.settled()
    c.shutdown()
    c.recv()


@scenario("accept", "read 1", "linger 0", "close")
def abort_and_read(c):
    c.connect()
    c.send(b"x")
    c.poll("POLLHUP")
    c.recv()
    c.recv()
    c.send(b"x")


@scenario("accept", "read 1", "linger 0", "close")
def abort_and_write(c):
    c.connect()
    c.send(b"x")
    c.poll("POLLHUP")
    c.send(b"x")
    c.send(b"x")
    c.recv()


@scenario("accept", "sleep 300ms", "linger 0", "close")
def abort_of_the_idle(c):
    c.connect()
    c.poll("POLLHUP")
    c.error()
    c.recv()


@scenario("accept", "close")
def close_at_once_and_write_on(c):
    c.connect()
    c.poll("POLLIN")
    c.recv()
    c.send(b"x")
    c.poll("POLLHUP")
    c.recv()
    c.send(b"x")


@scenario("accept", "close")
def close_at_once_and_orderly(c):
    c.connect()
    c.poll("POLLRDHUP")
    c.recv()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", "close")
def close_at_once_and_text_with_a_fin(c):
    """The text behind the server's FIN draws RST."""
    c.connect()
    c.recv()
    c.send_with_fin(b"too late")
    c.poll("POLLHUP")


@scenario("accept", "read all", "close")
def text_with_a_fin(c):
    c.connect()
    c.send_with_fin(b"so long")
    c.recv()


@scenario("accept", "read 3", "close")
def unread_text_with_a_fin(c):
    c.connect()
    c.send_with_fin(b"so long")
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "read 1", "close")
def unread(c):
    c.connect()
    c.send(b"ab")
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "sleep 500ms", "close")
def unread_after_a_sleep(c):
    c.connect()
    c.send(b"never read")
    c.settled()
    c.poll("POLLIN")
    c.recv()


@scenario("accept", "sleep 500ms", "close")
def unread_behind_a_fin(c):
    c.connect()
    c.send(b"never read")
    c.shutdown()
    c.recv()


@scenario("accept", "sleep 500ms", "close")
def fin_during_a_sleep(c):
    c.connect()
    c.shutdown()
    c.recv()


@scenario("accept", "sleep 500ms", "read", "close")
def text_during_a_sleep(c):
    c.connect()
    c.send(b"one")
    c.settled()
    c.send(b"two")
    c.recv()


@scenario("accept", "shutdown", "read all", "close")
def half_close(c):
    c.connect()
    c.recv()
    c.send(b"still")
    c.settled()
    c.send(b"listening")
    c.settled()
    c.shutdown()
    c.recv()
    c.error()


@scenario("accept", "shutdown", "read 1", "close")
def half_close_with_unread_text(c):
    c.connect()
    c.recv()
    c.send(b"ab")
    c.poll("POLLHUP")
    c.recv()
    c.send(b"x")


@scenario("accept", "linger 0", "shutdown", "read 1", "close")
def abort_of_the_half_closed(c):
    c.connect()
    c.recv()
    c.send(b"a")
    c.poll("POLLHUP")
    c.send(b"x")


@scenario("accept", "linger 0", "shutdown", "read all", "close")
def abort_in_time_wait(c):
    """Nothing is sent any more."""
    c.connect()
    c.recv()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", "read all", "linger 0", "close")
def abort_after_the_fin(c):
    c.connect()
    c.send(b"so long")
    c.shutdown()
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "read", "linger 0")
def linger_and_exit(c):
    c.connect()
    c.send(b"a")
    c.poll("POLLHUP")
    c.recv()


@scenario(backlog=2)
def nobody_accepts(c):
    """What waits in the queue is acknowledged all the same, and its FIN."""
    c.connect()
    c.send(b"hello")
    c.settled()
    c.shutdown()
    c.until(lambda wire: not wire[-1].from_client and wire[-1].ack == 7, "the FIN is acknowledged")


@scenario(backlog=3)
def queue_is_full(c):
    for _ in range(3):
        c.another()
    c.connect(timeout=1.5)


@scenario("sleep 300ms")
def exit_without_accept(c):
    c.connect()
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "hang")
def reset_is_received(c):
    c.connect()
    c.send(bytes(1000))
    c.settled()
    c.abort()


@scenario("accept", "hang")
def fin_and_nobody_reads(c):
    c.connect()
    c.send(b"hello")
    c.settled()
    c.close()


@scenario("accept", "read all", "close")
def client_closes_first(c):
    c.connect()
    c.send(b"one")
    c.settled()
    c.send(b"two")
    c.settled()
    c.shutdown()
    c.recv()
    c.error()


@scenario("accept", "sleep 1s", "read all", "close", stream=True)
def window_closes_and_opens(c):
    c.connect()
    c.send_all(bytes(300000))
    c.shutdown()
    c.recv()


@scenario("accept", "hang", stream=True, masks=(D23,))
def window_closes_for_good(c):
    c.connect()
    c.fill()
    c.until(lambda wire: wire[-1].window == 0 and not wire[-1].from_client, "a probe is answered")
    c.fill()
    c.send(b"x")


@scenario("accept", "read 3")
def exit_with_all_read(c):
    c.connect()
    c.send(b"abc")
    c.recv()


@scenario("accept", "read 3")
def exit_with_unread_text(c):
    c.connect()
    c.send(b"abcd")
    c.poll("POLLHUP")
    c.recv()
