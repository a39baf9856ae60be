"""SROS2's policies: what they mean, that each node has one, and that none has more than it needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_rl_core.bringup.graph import nodes
from async_rl_core.bringup.secure import DRIVER
from async_rl_core.config.catalogue import config_folder, robots
from async_rl_core.config.load import resolve
from async_rl_core.config.schema import Config
from async_rl_core.errors import ConfigError
from async_rl_core.security.access_policy import AccessPolicy, read_policies, reply, request, topic
from async_rl_core.security.keystore import enclave
from async_rl_core.topics import SERVICES, TOPICS

GUARD = enclave("safety_guard_node")


@pytest.fixture(scope="module")
def policies() -> dict[str, AccessPolicy]:
    return {policy.enclave: policy for policy in read_policies(config_folder() / "security")}


def written(folder: Path, rights: str, begin: str = '<policy version="0.2.0">') -> Path:
    profile = f'<profile ns="/cell" node="arm">{rights}</profile>'
    enclaves = f'<enclaves><enclave path="/e"><profiles>{profile}</profiles></enclave></enclaves>'
    (folder / "arm.policy.xml").write_text(f"{begin}{enclaves}</policy>")
    return folder


def test_names_become_the_topics_of_dds(tmp_path: Path) -> None:
    rights = """<topics publish="ALLOW" subscribe="DENY"><topic>~/state</topic><topic>/tf</topic></topics>
      <topics subscribe="ALLOW"><topic>c*</topic></topics>
      <services reply="ALLOW"><service>~/stop</service></services>
      <services request="ALLOW"><service>move</service></services>"""
    (policy,) = read_policies(written(tmp_path, rights))
    assert policy.enclave == "/e"
    assert policy.denied.subscribe == ("rt/cell/arm/state", "rt/tf")
    assert policy.allowed.publish == ("rt/cell/arm/state", "rt/tf", "rr/cell/arm/stopReply", "rq/cell/moveRequest")
    assert policy.allowed.subscribe == ("rt/cell/c*", "rq/cell/arm/stopRequest", "rr/cell/moveReply")
    assert policy.may_publish("rt/tf") and not policy.may_publish("rt/cell/camera")
    assert policy.may_subscribe("rt/cell/camera") and not policy.may_subscribe("rt/camera")


def test_policy_denial_overrides_a_permission(tmp_path: Path) -> None:
    rights = '<topics publish="ALLOW"><topic>/*</topic></topics><topics publish="DENY"><topic>/tf</topic></topics>'
    (policy,) = read_policies(written(tmp_path, rights))
    assert policy.may_publish("rt/a/b") and not policy.may_publish("rt/tf")


@pytest.mark.parametrize(
    ("rights", "begin", "expected"),
    [
        ("<", '<policy version="0.2.0">', "not readable as XML"),
        ("", '<policy version="0.3.0">', 'it begins <policy version="0.2.0">'),
        ("", '<policy version="0.2.0">', "no rights"),
        (
            '<topics write="ALLOW"><topic>a</topic></topics>',
            '<policy version="0.2.0">',
            "topics/write is not understood",
        ),
        ('<topics publish="MAY"><topic>a</topic></topics>', '<policy version="0.2.0">', "allowed: ALLOW, DENY"),
        ('<i:include href="x" xmlns:i="http://www.w3.org/2001/XInclude"/>', '<policy version="0.2.0">', "xpointer"),
    ],
)
def test_read_policies_invalid_file_is_refused(rights: str, begin: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        read_policies(written(tmp_path, rights, begin))
    assert "arm.policy.xml" in str(caught.value) and "\n" not in str(caught.value)


@given(
    at=st.integers(0, 2000),
    removed=st.integers(0, 40),
    put=st.sampled_from([b"", b"<", b"&x;", b"\xff", b"\0", b"encoding='x'", b"</profile>", b"ALLOW", b"<!--", b"]]>"]),
)
def test_damaged_policies_are_read_or_refused(
    at: int, removed: int, put: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    whole = (config_folder() / "security" / "driver.policy.xml").read_bytes()
    (folder / "x.policy.xml").write_bytes(whole[:at] + put + whole[at + removed :])
    try:
        read_policies(folder)
        said = ""
    except ConfigError as error:
        said = str(error)
    assert "\n" not in said


def test_an_enclave_twice_and_a_folder_without_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \*\.policy\.xml"):
        read_policies(tmp_path)
    path = written(tmp_path, '<topics publish="ALLOW"><topic>a</topic></topics>') / "arm.policy.xml"
    (tmp_path / "leg.policy.xml").write_text(path.read_text())
    with pytest.raises(ConfigError, match=r"leg\.policy\.xml: enclave /e is in another file too"):
        read_policies(tmp_path)


def test_policies_grant_every_topic_and_service_of_the_suite(policies: dict[str, AccessPolicy]) -> None:
    arms = [resolve("laptop", {}, robot).robot for robot in robots()]
    names = [*TOPICS, *(name for arm in arms for name in (arm.state_topic, arm.command_topic))]
    listed = {topic(f"/{name}") for name in names} | {request(f"/{name}") for name in SERVICES}
    own = [policy for name, policy in policies.items() if name not in (DRIVER, enclave("operator"))]
    assert listed <= {name for policy in own for name in (*policy.allowed.publish, *policy.allowed.subscribe)}


@pytest.mark.parametrize("robot", robots())
def test_only_the_guard_commands_a_robot_and_only_the_agent_the_guard(
    robot: str, policies: dict[str, AccessPolicy]
) -> None:
    command = topic(f"/{resolve('laptop', {}, robot).robot.command_topic}")
    proposal = topic("/rl_agent_node/command")
    assert [name for name, policy in policies.items() if policy.may_publish(command)] == [GUARD]
    assert [name for name, policy in policies.items() if policy.may_publish(proposal)] == [enclave("rl_agent_node")]


def test_policies_let_operator_arm_and_agent_disarm(policies: dict[str, AccessPolicy]) -> None:
    def asking(service: str) -> set[str]:
        return {name for name, policy in policies.items() if policy.may_publish(request(service))}

    operator, agent = enclave("operator"), enclave("rl_agent_node")
    assert asking("/safety_guard_node/arm") == asking("/safety_guard_node/reset_fault") == {operator}
    assert asking("/safety_guard_node/disarm") == {operator, agent}
    for service in ("arm", "disarm", "reset_fault"):
        answering = {n for n, policy in policies.items() if policy.may_publish(reply(f"/safety_guard_node/{service}"))}
        assert answering == {GUARD}
    for name, policy in policies.items():
        assert name == DRIVER or not policy.may_publish(request("/safety_guard_node/set_parameters"))


def test_policies_let_only_the_robots_side_publish_states(policies: dict[str, AccessPolicy]) -> None:
    robots_side = {enclave("robot_sim_node"), enclave("franka_driver_node"), DRIVER}
    assert {n for n, policy in policies.items() if policy.may_publish(topic("/joint_states"))} == robots_side
    status = {n for n, policy in policies.items() if policy.may_publish(topic("/robot_status"))}
    assert status == robots_side - {DRIVER} | {enclave("robot_status_node")}


def with_drivers(robot: str, overrides: dict[str, object]) -> Iterator[Config]:
    """The robot's configuration in simulation, and with each of its drivers."""
    yield resolve("laptop", overrides, robot)
    for driver in resolve("laptop", {}, robot).robot.drivers:
        real = {"hardware": "real", "robot_ip": "192.0.2.1", "driver": driver, "guard.auto_arm": False}
        yield resolve("laptop", {**overrides, **real}, robot)


@pytest.mark.parametrize("robot", robots())
@pytest.mark.parametrize("overrides", [{}, {"rviz": True}, {"architecture": "seq"}])
def test_every_process_has_a_policy(
    robot: str, overrides: dict[str, object], policies: dict[str, AccessPolicy]
) -> None:
    configs = [*with_drivers(robot, overrides), resolve("laptop", {**overrides, "camera.source": "usb_cam"}, robot)]
    names = {spec.name for config in configs for spec in nodes(config, Path("config.yaml"))}
    assert {enclave(name) for name in names} <= set(policies)


@pytest.mark.parametrize("robot", robots())
def test_policies_let_nodes_hear_the_states_of_every_driver(robot: str, policies: dict[str, AccessPolicy]) -> None:
    for config in with_drivers(robot, {}):
        heard = topic(f"/{config.robot.state_topic}")
        for name in ("safety_guard_node", "rl_agent_node", "camera_sim_node"):
            assert policies[enclave(name)].may_subscribe(heard)
        assert policies[GUARD].may_publish(topic(f"/{config.robot.command_topic}"))


def test_policies_grant_wildcards_only_to_the_driver(policies: dict[str, AccessPolicy]) -> None:
    for name, policy in policies.items():
        wide = [one for one in policy.allowed.publish if one.split("/")[1].startswith("*")]
        assert name in (DRIVER, enclave("operator")) or not wide
