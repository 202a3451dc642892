# SPDX-License-Identifier: BSD-3-Clause
"""scenarios_text - what the server writes and echoes."""
from scenarios import scenario
from segments import RST


@scenario("accept", 'write "hello"', "close")
def write_and_close(c):
    c.connect()
    c.recv_all()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", 'write "hello"', "hang")
def write_and_hang(c):
    c.connect()
    c.recv()
    c.abort()


@scenario("accept", 'write "one"', 'write "two"', "close", stream=True)
def two_writes(c):
    c.connect()
    c.recv_exactly(6)
    c.recv()


@scenario("accept", "read 4", 'write "HTTP/1.0 200 OK\r\n\r\nhello"', "close")
def request_and_answer(c):
    c.connect()
    c.send(b"GET ")
    c.recv_all()


@scenario("accept", "read 1", 'write "a"', "read 1", 'write "bc"', "read 1", "sleep 20ms",
          'write "d"', "read 1", "close")
def questions_and_answers(c):
    """Each answer acknowledges its question; after a sleep, Linux's alone does."""
    c.connect()
    for size in (1, 2, 1):
        c.send(b"?")
        c.recv_exactly(size)
    c.send(b".")
    c.recv()


@scenario("accept", 'write "hello"', "shutdown", "read all", "close")
def write_and_half_close(c):
    c.connect()
    c.recv_exactly(5)
    c.recv()
    c.send(b"thanks")
    c.settled()
    c.shutdown()
    c.poll("POLLHUP")
    c.error()


@scenario("accept", "read 1", 'write "hello"', "read 1", "linger 0", "close")
def write_and_abort(c):
    """What was received before the RST is still read."""
    c.connect()
    c.send(b"a")
    c.poll("POLLIN")
    c.send(b"b")
    c.poll("POLLHUP")
    c.recv()
    c.recv()


@scenario("accept", "read 1", 'write "hello"', "read 1", "close")
def write_with_unread_text(c):
    """RST behind the text, no FIN."""
    c.connect()
    c.send(b"a")
    c.poll("POLLIN")
    c.send(b"bc")
    c.poll("POLLHUP")
    c.recv()
    c.recv()


@scenario("accept", 'write "hello"', "close")
def write_and_the_client_writes_on(c):
    c.connect()
    c.poll("POLLRDHUP")
    c.send(b"x")
    c.poll("POLLHUP")
    c.recv_all()
    c.send(b"x")


@scenario("accept", "read all", 'write "so long"', "close")
def write_after_the_fin(c):
    c.connect()
    c.send(b"bye")
    c.shutdown()
    c.recv_all()
    c.error()


@scenario("accept", "read all", "sleep 500ms", 'write "anybody there?"', "hang")
def write_to_a_closed_socket(c):
    """It draws RST."""
    c.connect()
    c.send(b"bye")
    c.settled()
    c.close()
    c.until(lambda wire: wire[-1].flags & RST, "the client's kernel resets")


@scenario("accept", "read all", "sleep 500ms", 'write "one"', "sleep 100ms", 'write "two"', "close")
def write_after_a_reset(c):
    """Nothing more is sent."""
    c.connect()
    c.send(b"bye")
    c.settled()
    c.close()
    c.until(lambda wire: wire[-1].flags & RST, "the client's kernel resets")


@scenario("accept", "write @../blob", "close", stream=True)
def write_much(c):
    c.connect()
    c.recv_all()
    c.shutdown()
    c.poll("POLLHUP")


@scenario("accept", "write @../blob", "write @../blob", "shutdown", "read all", "close",
          stream=True)
def write_much_and_half_close(c):
    c.connect()
    c.recv_all()
    c.send_all(bytes(10000))
    c.shutdown()
    c.poll("POLLHUP")


@scenario("accept", "read all", "write @../blob", 'write "end"', "close", stream=True)
def write_much_after_the_fin(c):
    c.connect()
    c.shutdown()
    c.recv_all()


@scenario("accept", "write @../blob", "write @../blob", "write @../blob", "close", stream=True)
def write_to_a_closed_window(c):
    """The client reads nothing until its window has closed."""
    c.small_window()
    c.connect()
    c.until(lambda wire: any(one.from_client and one.window == 0 for one in wire), "it is closed")
    c.pause(0.5)
    c.recv_all()


@scenario("accept", "echo", "close")
def echo(c):
    c.connect()
    for text in (b"one", b"two", b"three"):
        c.send(text)
        c.recv_exactly(len(text))
        c.until(lambda wire: not wire[-1].text_from_server, "the echo is acknowledged")
    c.shutdown()
    c.recv()
    c.error()


@scenario("accept", "echo", "close")
def echo_of_nothing(c):
    c.connect()
    c.shutdown()
    c.recv()


@scenario("accept", "echo", "close")
def echo_of_text_with_a_fin(c):
    c.connect()
    c.send_with_fin(b"so long")
    c.recv_all()


@scenario("accept", "read 2", "echo")
def echo_of_the_rest(c):
    c.connect()
    c.send(b"abcd")
    c.recv_exactly(2)
    c.until(lambda wire: not wire[-1].text_from_server, "the echo is acknowledged")
    c.shutdown()
    c.recv()


@scenario("accept", "echo", "close", stream=True)
def echo_much(c):
    c.connect()
    c.exchange(bytes(range(256)) * 800)


@scenario("accept", "timeout 500ms", "echo", "close")
def echo_tires(c):
    c.connect()
    c.send(b"abc")
    c.recv_exactly(3)
    c.recv()
