"""Lines for a reader that is slow, gone or not there."""

import io
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

from async_rl_core.bringup.process.line_writer import LineWriter
from async_rl_core.bringup.process.output import TerminalOutput

LINE = "x" * 99
ENOUGH = 20000
"""Lines that no pipe and no queue of these tests hold."""


class FullPipe:
    """A pipe that nobody reads, until told."""

    def __init__(self) -> None:
        self._outlet, inlet = os.pipe()
        self.stream = os.fdopen(inlet, "w")
        os.set_blocking(inlet, False)
        with suppress(BlockingIOError):
            while True:
                os.write(inlet, b"\n" * 4096)
        os.set_blocking(inlet, True)

    def read_until(self, text: str) -> str:
        """Read until the text has come; everything read."""
        found = ""
        while text not in found:
            found += os.read(self._outlet, 65536).decode()
        return found

    def close_reader(self) -> None:
        os.close(self._outlet)


def test_line_writer_with_a_blocked_reader_never_blocks_and_counts_what_it_drops() -> None:
    pipe = FullPipe()
    writer = LineWriter(pipe.stream, capacity=10000)
    for number in range(ENOUGH):
        writer.put(f"{number} {LINE}")
    assert not writer.flush(0.01)
    writer.put("read again")
    lines = pipe.read_until("read again\n").splitlines()
    numbers = [int(line.split()[0]) for line in lines if line.endswith(LINE)]
    dropped = [int(line.split()[1]) for line in lines if line.endswith("dropped here: nothing read the output")]
    assert numbers == sorted(set(numbers)) and numbers[0] == 0
    assert len(numbers) + sum(dropped) == ENOUGH and dropped
    assert writer.flush(30.0)


def test_line_writer_that_drops_reports_the_count_once_it_is_read() -> None:
    pipe = FullPipe()
    writer = LineWriter(pipe.stream, capacity=10000)
    for _ in range(ENOUGH):
        writer.put(LINE)
    assert "dropped here" in pipe.read_until("nothing read the output\n")


def test_line_writer_whose_reader_is_gone_drops_everything() -> None:
    pipe = FullPipe()
    pipe.close_reader()
    writer = LineWriter(pipe.stream)
    writer.put("to nobody")
    assert writer.flush(30.0)
    for _ in range(ENOUGH):
        writer.put(LINE)
    assert writer.flush(0.0)


def test_line_writer_without_a_stream_drops_everything() -> None:
    writer = LineWriter(None)
    writer.put("to nobody")
    assert writer.flush(0.0)


def test_output_with_a_blocked_error_stream_still_writes_the_other() -> None:
    pipe, out = FullPipe(), io.StringIO()
    output = TerminalOutput(["agent"], out, pipe.stream)
    for _ in range(ENOUGH):
        output.error(LINE)
        output.line("agent", LINE, error=True)
    output.say("heard")
    output.line("agent", "hello")
    deadline = time.monotonic() + 30.0
    while out.getvalue() != "heard\nagent | hello\n":
        assert time.monotonic() < deadline, out.getvalue()
        time.sleep(0.01)
    assert not output.flush(0.01)


def test_output_to_one_file_keeps_the_order_of_both_streams() -> None:
    outlet, inlet = os.pipe()
    with os.fdopen(inlet, "w") as out, os.fdopen(os.dup(inlet), "w") as error, os.fdopen(outlet) as reader:
        with TerminalOutput([], out, error) as output:
            for number in range(50):
                output.say(f"{number}")
                output.error(f"{number}")
        assert [reader.readline() for _ in range(100)] == [
            f"{prefix}{number}\n" for number in range(50) for prefix in ("", "error: ")
        ]


def test_a_process_with_a_blocked_writer_still_ends() -> None:
    """The interpreter's end waits for no daemon thread, and for no lock that one holds."""
    code = (
        "import sys; from async_rl_core.bringup.process.output import TerminalOutput\n"
        "with TerminalOutput([]) as output:\n"
        "    for i in range(20000): output.say('x' * 99)\n"
        "sys.exit(3)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.wait(30.0) == 3


def test_line_writer_takes_lines_from_many_threads_whole() -> None:
    out = io.StringIO()
    writer = LineWriter(out)
    threads = [threading.Thread(target=lambda: [writer.put(LINE) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(30.0)
    assert out.getvalue().splitlines() == [LINE] * 800
