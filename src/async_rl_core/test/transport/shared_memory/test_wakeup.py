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


def test_listener_sleeps_until_another_process_notifies(endpoint: Endpoint, start_peer: Callable[[str], Any]) -> None:
    listener, peer = Listener(endpoint, "test"), start_peer("notifier")
    assert not listener.wait(0.0)
    peer.say(1)
    assert listener.wait(60.0)
    listener.close()


def test_notifications_before_a_wait_count_as_one(endpoint: Endpoint) -> None:
    listener, notifier = Listener(endpoint, "test"), Notifier(endpoint, "test")
    for _ in range(5):
        notifier.notify()
    assert listener.wait(60.0)
    assert not listener.wait(0.0)
    listener.close()
    notifier.close()


def test_wait_without_a_notification_times_out(endpoint: Endpoint) -> None:
    listener = Listener(endpoint, "test")
    start = time.monotonic()
    assert not listener.wait(0.05)
    assert time.monotonic() - start >= 0.045
    listener.close()


def test_notify_without_a_listener_does_nothing(endpoint: Endpoint) -> None:
    notifier = Notifier(endpoint, "test")
    notifier.notify()
    listener = Listener(endpoint, "test")
    for _ in range(100_000):  # more than any buffer holds
        notifier.notify()
    assert listener.wait(60.0)
    listener.close()
    notifier.notify()
    notifier.close()


def test_second_listener_is_refused(endpoint: Endpoint) -> None:
    listener = Listener(endpoint, "test")
    with pytest.raises(TransportError, match=r"wake/test has no room for another listener .*ROS_DOMAIN_ID"):
        Listener(endpoint, "test")
    listener.close()


def test_wait_ends_on_a_signal(endpoint: Endpoint) -> None:
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
