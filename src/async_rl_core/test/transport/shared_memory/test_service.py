import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from async_rl_core.errors import TransportError
from async_rl_core.transport.shared_memory import service
from async_rl_core.transport.shared_memory.domain import SHARED_MEMORY
from async_rl_core.transport.shared_memory.service import Endpoint, clean_up_dead, domain_from_environment, in_use
from async_rl_core.transport.shared_memory.wakeup import Listener, Notifier


def files(domain: str) -> list[Path]:
    roots = [*SHARED_MEMORY.glob(f"async_rl-*-{domain}"), *SHARED_MEMORY.glob(f"async_rl-*-{domain}-*")]
    return [path for root in roots for path in (root, *root.rglob("*"))]


def test_domain_is_the_ros_domain() -> None:
    assert domain_from_environment({"ROS_DOMAIN_ID": "7"}) == "7"
    assert domain_from_environment({"ROS_DOMAIN_ID": ""}) == domain_from_environment({}) == "0"


@pytest.mark.parametrize("name", ["", "a-b", "a/b", "..", "a b", "x" * 33])
def test_domain_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(TransportError, match="letters, digits and underscores"):
        in_use(name)


def test_domain_after_its_last_process_has_no_files(domain: str) -> None:
    one, other = Endpoint(domain, "one"), Endpoint(domain, "other")
    listener, notifier = Listener(one, "test"), Notifier(other, "test")
    listener.close()
    one.close()
    notifier.notify()
    assert files(domain)
    notifier.close()
    other.close()
    assert not files(domain)


def test_process_that_ends_without_close_leaves_no_files(domain: str) -> None:
    script = (
        "from async_rl_core.transport.shared_memory.service import Endpoint\n"
        "from async_rl_core.transport.shared_memory.wakeup import Listener\n"
        f"listener = Listener(Endpoint({domain!r}, 'careless'), 'test')\n"
        "raise SystemExit(3)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 3
    assert not files(domain)


def test_segments_are_closed_to_other_users(endpoint: Endpoint, domain: str) -> None:
    listener = Listener(endpoint, "test")
    found = files(domain)
    assert len(found) > 5
    top = [path for path in found if path.parent == SHARED_MEMORY]
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in top)
    listener.close()


def test_in_use_names_services_and_their_living_holders(
    endpoint: Endpoint, domain: str, start_peer: Callable[[str], Any]
) -> None:
    assert in_use(domain) == []
    peer = start_peer("notifier")
    assert in_use(domain) == [f"async_rl/{domain}/wake/test (held by peer_notifier, pid {peer.process.pid})"]
    peer.kill()
    assert in_use(domain) == []


def test_in_use_creates_no_files(domain: str) -> None:
    assert in_use(domain) == []
    clean_up_dead(domain)
    assert not files(domain)


@pytest.mark.parametrize("repeat", range(3))
def test_clean_up_removes_the_files_of_killed_processes(
    domain: str, start_peer: Callable[[str], Any], repeat: int
) -> None:
    for role in ("server", "parameters"):
        start_peer(role).kill()
    assert files(domain)
    clean_up_dead(domain)
    assert not files(domain)


def test_clean_up_keeps_the_files_of_living_processes(domain: str, start_peer: Callable[[str], Any]) -> None:
    peer = start_peer("notifier")
    start_peer("server").kill()
    clean_up_dead(domain)
    assert len(in_use(domain)) == 1
    assert peer.ask(1) == "notified"
    peer.end()
    assert not files(domain)


def test_processes_join_leave_and_die_while_others_clean_up(domain: str, start_peer: Callable[[str], Any]) -> None:
    visitors = [start_peer("visitor") for _ in range(2)]
    for visitor in visitors:
        assert visitor.ask(150) == "visiting"
    for _ in range(4):
        peer = start_peer("visitor")
        peer.say(10**6)
        for _ in range(50):
            clean_up_dead(domain)
        peer.kill()
    for visitor in visitors:
        assert visitor.hear() == "left"
        visitor.end()


COMING_AND_GOING = """
import signal, sys
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.wakeup import Notifier
def stop(number, frame):
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    endpoint = Endpoint(sys.argv[1], "guest")
    Notifier(endpoint, "test")
    endpoint.close()
"""


@pytest.mark.parametrize("repeat", range(8))
def test_process_stopped_at_any_moment_leaves_no_files(domain: str, repeat: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    line = [sys.executable, "-c", COMING_AND_GOING, domain]
    with subprocess.Popen(line, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(Random(repeat).uniform(0.0, 0.1))  # a moment, not a wait for anything
        process.terminate()
        assert process.wait() == 0
    assert not files(domain)


def test_process_that_died_while_joining_is_cleaned_up(
    endpoint: Endpoint, domain: str, start_peer: Callable[[str], Any]
) -> None:
    before = set(files(domain))
    start_peer("visitor").kill()
    (details,) = {path for path in files(domain) if path.name.endswith("node.details")} - before
    details.unlink()  # as of one killed between its first file and the last: iceoryx2 does not find it by itself
    clean_up_dead(domain)
    assert set(files(domain)) == before


def test_incomplete_service_of_a_dead_process_is_created_again(
    endpoint: Endpoint, domain: str, start_peer: Callable[[str], Any]
) -> None:
    before = set(files(domain))
    start_peer("notifier").kill()
    left = set(files(domain)) - before
    for path in left:
        if path.name.endswith((".dynamic", "node.details")):  # the service's last file, and what iceoryx2 goes by
            path.unlink()
    assert any(path.suffix == ".service" for path in left)
    Notifier(endpoint, "test").notify()


def test_service_without_size_of_a_dead_process_is_removed(domain: str, start_peer: Callable[[str], Any]) -> None:
    start_peer("notifier").kill()
    for path in files(domain):
        if path.suffix == ".dynamic":  # as iceoryx2 makes it, before it has a size
            os.truncate(path, 0)
            path.chmod(0o200)
        elif path.suffix == ".port_tag":
            path.unlink()
    clean_up_dead(domain)
    assert not files(domain)


def test_domain_folder_open_to_others_is_refused(domain: str) -> None:
    folder = SHARED_MEMORY / f"async_rl-{os.getuid()}-{domain}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o755)
    try:
        with pytest.raises(TransportError, match="open to others; remove it"):
            Endpoint(domain, "test")
    finally:
        folder.rmdir()


def test_require_space_of_too_much_names_the_numbers() -> None:
    with pytest.raises(TransportError, match=r"mini-batches need 1000000000 MB .* has \d+ MB left"):
        service.require_space(10**15, "mini-batches")
