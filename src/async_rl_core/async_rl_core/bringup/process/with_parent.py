"""Runs a program that gets SIGTERM when the process that started it dies: `python with_parent.py <parent> <program>`.

Asked for before the program begins, so that no part of its start-up outlives its supervisor. Started without site
packages, so it imports the standard library only.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Asks the kernel for the signal, then executes the program."""
    parent, *line = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the request
        sys.exit(0)
    try:
        os.execv(line[0], line)
    except OSError as error:
        print(f"error: {line[0]} cannot be run: {error.strerror}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
