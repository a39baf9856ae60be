"""`async_rl`: starts and checks the suite without the launch packages of ROS 2."""

import sys

from async_rl_core.bringup.checks.resource_limits import complaint
from async_rl_core.bringup.process.standard_streams import StreamError, discard, tolerate_broken_pipes


def main() -> int:
    """Runs the command as a process and returns its exit code."""
    tolerate_broken_pipes()
    if problem := complaint():  # before the libraries load, whose errors under a limit are tracebacks
        print(f"error: {problem}", file=sys.stderr)
        return 2
    from async_rl.command import main as run

    try:
        code = run()
        sys.stdout.flush()
    except StreamError as error:
        discard()
        print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
