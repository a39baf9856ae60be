"""Standard streams that are closed, whose reader is gone, or that nobody reads."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

COMMAND = "from async_rl_core.bringup.process import standard_streams as s; s.tolerate_broken_pipes(); "
NODE = "from async_rl_core.bringup.process import standard_streams as s; s.never_block(); "


def run(code: str, shell: str) -> "subprocess.CompletedProcess[str]":
    """Run Python code as the word `$0` of a line of the shell."""
    words: Sequence[str] = ["bash", "-c", f'set -o pipefail; "$0" -c "$1" {shell}', sys.executable, code]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("shell", ["| true", "| head -n 1", ">&-", ">&- 2>&- <&-", "2>&-"])
def test_a_command_whose_reader_is_gone_completes_with_its_own_code(shell: str) -> None:
    done = run(COMMAND + "import sys; [print('line', i) for i in range(100000)]; sys.exit(3)", shell)
    assert done.returncode == 3
    assert done.stderr == ""


def test_a_closed_stream_is_never_the_number_of_another_file() -> None:
    done = run(COMMAND + "f = open('/dev/null', 'rb'); assert f.fileno() > 2, f", ">&- <&-")
    assert done.returncode == 0, done.stderr


def test_a_full_disk_is_an_error_of_the_command() -> None:
    code = COMMAND + "import sys; print('x', flush=True)"
    done = run(code, ">/dev/full")
    assert "StreamError" in done.stderr


def test_never_block_discards_output_that_nobody_reads() -> None:
    """Python's lines and those of libraries, which write to the descriptor; the process goes on."""
    code = NODE + (
        "import os, sys\n"
        "for i in range(20000):\n"
        "    print('out', i, flush=True); print('error', i, file=sys.stderr)\n"
        "libc = __import__('ctypes').CDLL(None)\n"
        "for i in range(20000): libc.puts(b'x' * 100)\n"
        "libc.fflush(None)\n"
        "os.write(done, b'1')\n"
    )
    outlet, inlet = os.pipe()
    line = [sys.executable, "-c", f"done = {inlet}\n" + code]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(inlet,)) as process:
        os.close(inlet)
        ended, _, _ = select.select([outlet], [], [], 30.0)
        went_on = bool(ended) and os.read(outlet, 1) == b"1"
        process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        assert process.stdout.read().startswith(b"out 0\nout 1\n")
    os.close(outlet)
    assert went_on


def test_discarding_does_not_change_the_pipe_for_others() -> None:
    outlet, inlet = os.pipe()
    subprocess.run([sys.executable, "-c", NODE], stdout=inlet, check=True)
    assert os.get_blocking(inlet)
    os.close(outlet)
    os.close(inlet)
