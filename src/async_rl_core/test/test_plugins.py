"""Entry points of others: found by name, and what is said of those that are no use."""

import pytest

from async_rl_core import plugins
from async_rl_core.errors import AsyncRLError, ConfigError

from .conftest import Install

GROUP = "async_rl.tasks"
JUGGLING = "juggling = balls:Balls"


def test_load_installed_plugin_is_found(install: Install) -> None:
    before = plugins.names(GROUP)
    module = "from async_rl_core.errors import AsyncRLError\nclass Balls(AsyncRLError): pass"
    install(GROUP, JUGGLING, {"balls.py": module})
    found = plugins.load(GROUP, "juggling", AsyncRLError)
    assert found.__name__ == "Balls" and issubclass(found, AsyncRLError)
    assert plugins.names(GROUP) == sorted([*before, "juggling"])


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("raise RuntimeError('no\\nluck')", "'juggling' cannot be imported from balls:Balls: no luck"),
        ("import nowhere", "cannot be imported from balls:Balls: No module named 'nowhere'"),
        ("class Balls: pass", "'juggling' is <class 'balls.Balls'>, which does not derive from AsyncRLError"),
        ("Balls = 3", "'juggling' is 3, which does not derive from AsyncRLError"),
    ],
)
def test_load_unusable_plugin_is_named(module: str, said: str, install: Install) -> None:
    install(GROUP, JUGGLING, {"balls.py": module})
    with pytest.raises(ConfigError, match=said):
        plugins.load(GROUP, "juggling", AsyncRLError)


def test_load_unknown_name_lists_the_installed_ones() -> None:
    with pytest.raises(
        ConfigError, match="'juggling' is not there; allowed: reach, reaching, tracking, visual_reacher"
    ):
        plugins.load(GROUP, "juggling", AsyncRLError)


def test_load_name_of_two_packages_is_refused(install: Install) -> None:
    install(GROUP, "tracking = balls:Balls", {})
    twice = r"registered twice, by async_rl_core\.tasks\.tracking:Tracking and balls:Balls; uninstall one"
    with pytest.raises(ConfigError, match=twice):
        plugins.load(GROUP, "tracking", AsyncRLError)
