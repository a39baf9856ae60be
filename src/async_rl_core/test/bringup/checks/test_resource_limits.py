"""Limits of the shell that leave too little for a run."""

import resource
import subprocess
import sys

import pytest

from async_rl_core.bringup.checks.resource_limits import complaint

RUN = "import resource; from async_rl_core.bringup.checks.resource_limits import complaint; print(complaint()); "


def under(limit: str) -> str:
    """Returns the output of a process started under a limit: the complaint, then its soft limit of open files."""
    code = RUN + "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    words = ["bash", "-c", f'ulimit {limit} && exec "$0" -c "$1"', sys.executable, code]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("-n 32", "ulimit -n is 32: a run needs 512 open files; raise it by 'ulimit -n 512' or"),
        ("-v 2000000", "ulimit -v is 2000000: a run needs "),
        ("-f 1000", "ulimit -f is 1000: a run needs "),
        ("-t 100", "ulimit -t is 100: a run needs "),
    ],
)
def test_a_limit_that_is_too_low_is_one_line_with_the_remedy(limit: str, said: str) -> None:
    first, _ = under(limit).splitlines()
    assert first.startswith(said)


def test_a_soft_limit_that_may_be_raised_is() -> None:
    assert under("-S -n 64").split() == ["512"]


def test_no_limit_is_fine() -> None:
    assert complaint(lambda number: (resource.RLIM_INFINITY, resource.RLIM_INFINITY)) == ""
