from types import ModuleType

import pytest

from async_rl_core.errors import TransportError
from async_rl_core.transport.shared_memory.acks import AckPublisher, AckSubscriber
from async_rl_core.transport.shared_memory.service import Endpoint
from async_rl_core.transport.steps import Ack


def test_subscriber_returns_the_newest_acknowledgement(endpoint: Endpoint) -> None:
    subscriber = AckSubscriber(endpoint)
    assert subscriber.newest() is None
    publisher = AckPublisher(endpoint)
    for sequence in (-1, 3, 3, 8):
        publisher.publish(sequence)
        for _ in range(2):
            assert subscriber.newest() == Ack(publisher.store, sequence)
    for sequence in range(2**60, 2**60 + 100):
        publisher.publish(sequence)
    assert subscriber.newest() == Ack(publisher.store, 2**60 + 99)
    publisher.close()
    subscriber.close()


def test_subscriber_that_joins_later_gets_the_acknowledgement(endpoint: Endpoint) -> None:
    publisher = AckPublisher(endpoint)
    publisher.publish(7)
    subscriber = AckSubscriber(endpoint)
    publisher.publish(7)
    assert subscriber.newest() == Ack(publisher.store, 7)
    publisher.close()
    subscriber.close()


def test_acknowledgements_of_a_successor_win(endpoint: Endpoint) -> None:
    subscriber, heard = AckSubscriber(endpoint), []
    for unheard in (True, False, True, True, False):
        publisher = AckPublisher(endpoint)
        publisher.publish(4)
        if not unheard:
            heard.append(subscriber.newest())
            assert heard[-1] == Ack(publisher.store, 4)
        publisher.close()
    assert len({*heard}) == len(heard)
    assert heard == sorted(heard, key=lambda ack: ack or Ack(0, 0))
    subscriber.close()


def test_second_publisher_is_refused(endpoint: Endpoint, peers: ModuleType) -> None:
    publisher = AckPublisher(endpoint)
    with pytest.raises(TransportError, match="acks has no room for another publisher"):
        AckPublisher(endpoint)
    publisher.close()
