import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from async_rl_core.errors import TransportError
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.shared_memory.wakeup import Listener, Notifier


def test_sleeps_until_notified_by_another_process(endpoint: Endpoint, start_peer: Callable[[str], Any]) -> None:
    listener, peer = Listener(endpoint, "test"), start_peer("notifier")
    assert not listener.wait(0.0)
    peer.say(1)
    assert listener.wait(60.0)
    listener.close()


def test_notifications_before_the_wait_count_as_one(endpoint: Endpoint) -> None:
    listener, notifier = Listener(endpoint, "test"), Notifier(endpoint, "test")
    for _ in range(5):
        notifier.notify()
    assert listener.wait(60.0)
    assert not listener.wait(0.0)
    listener.close()
    notifier.close()


def test_times_out(endpoint: Endpoint) -> None:
    listener = Listener(endpoint, "test")
    start = time.monotonic()
    assert not listener.wait(0.05)
    assert time.monotonic() - start >= 0.045
    listener.close()


def test_nobody_listening_is_no_error_and_no_wait(endpoint: Endpoint) -> None:
    notifier = Notifier(endpoint, "test")
    notifier.notify()
    listener = Listener(endpoint, "test")
    for _ in range(100_000):  # more than any buffer holds
        notifier.notify()
    assert listener.wait(60.0)
    listener.close()
    notifier.notify()
    notifier.close()


def test_a_second_sleeper_is_refused(endpoint: Endpoint) -> None:
    listener = Listener(endpoint, "test")
    with pytest.raises(TransportError, match=r"wake/test has no room for another listener .*ROS_DOMAIN_ID"):
        Listener(endpoint, "test")
    listener.close()


def test_a_signal_ends_the_sleep(endpoint: Endpoint) -> None:
    listener, seen = Listener(endpoint, "test"), []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        while not seen:
            assert not listener.wait(60.0)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    listener.close()
