"""`async_rl`: starts and checks the suite without the launch packages of ROS 2."""

import sys

from async_rl.command import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
