"""`async_rl keys`: makes the keys of a secure run."""

import argparse

SUMMARY = "make the keys for secure:=true, or bring them up to date"
USAGE = "keys"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: ROS_SECURITY_KEYSTORE names the keystore."""


def run(options: argparse.Namespace) -> int:
    """Makes the keys that are missing and prints their number."""
    import os
    from datetime import UTC, datetime

    from async_rl_core.config.catalogue import config_folder
    from async_rl_core.security.issue import make_keystore
    from async_rl_core.security.keystore import keystore_folder

    keystore, policies = keystore_folder(os.environ), config_folder() / "security"
    issued = make_keystore(keystore, policies, datetime.now(UTC))
    print(f"keystore {keystore}: {len(issued)} new keys; rights as in {policies}")
    return 0
