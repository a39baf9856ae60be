"""The description as XML: encodings, what is refused, and links that have the name of a joint."""

import time

import numpy as np
import pytest

from async_rl_core.config.schema import Config
from async_rl_core.errors import SafetyError
from async_rl_core.safety.kinematics import Kinematics
from async_rl_core.safety.limits.collision import CollisionLimit
from async_rl_core.safety.urdf import decode, parse

LINKS = {
    "upper_arm_link": "shoulder_lift_joint",
    "forearm_link": "elbow_joint",
    "tool0": "wrist_3_link-tool0_fixed_joint",
}
ARM = '<robot name="Ärm"><link name="a"/><link name="b"/>{}</robot>'
JOINT = '<joint name="{}" type="fixed"><parent link="{}"/><child link="{}"/></joint>'


def test_description_with_a_link_named_as_a_joint_gives_the_same_arm(config: Config, urdf: str) -> None:
    robot, renamed = config.robot, urdf
    for link, joint in LINKS.items():
        assert f'name="{joint}"' in urdf
        renamed = renamed.replace(f'<link name="{link}"', f'<link name="{joint}"')
        renamed = renamed.replace(f'link="{link}"', f'link="{joint}"')
    other = robot.model_copy(
        update={
            "tool_frame": LINKS["tool0"],
            "bodies": robot.bodies.model_copy(
                update={"close": tuple((LINKS.get(a, a), LINKS.get(b, b)) for a, b in robot.bodies.close)}
            ),
        }
    )
    q = np.array(robot.start) + 0.1
    expected = Kinematics(urdf, robot.joints, robot.base_frame, robot.tool_frame)
    found = Kinematics(renamed, robot.joints, robot.base_frame, other.tool_frame)
    np.testing.assert_array_equal(found.position(q), expected.position(q))
    np.testing.assert_array_equal(found.jacobian(q), expected.jacobian(q))
    judged = CollisionLimit(urdf, robot, 0.02, 0.008).judged
    back = {joint: link for link, joint in LINKS.items()}
    again = [
        " and ".join(back.get(word, word) for word in pair.split(" and "))
        for pair in CollisionLimit(renamed, other, 0.02, 0.008).judged
    ]
    assert again == judged


@pytest.mark.parametrize(
    "data",
    [
        '<?xml version="1.0" encoding="ISO-8859-1"?><robot name="Ärm"/>'.encode("iso-8859-1"),
        '<?xml version="1.0" encoding="UTF-16"?><robot name="Ärm"/>'.encode("utf-16"),
        '<?xml version="1.0"?><robot name="Ärm"/>'.encode("utf-16-be"),
        '<robot name="Ärm"/>'.encode("utf-8-sig"),
        '<robot name="Ärm"/>'.encode(),
    ],
    ids=["latin-1", "utf-16", "utf-16 without mark", "utf-8 with mark", "utf-8"],
)
def test_decode_of_any_encoding_gives_text_that_names_none(data: bytes) -> None:
    text = decode(data)
    assert 'name="Ärm"' in text
    assert "encoding" not in text
    assert text.lstrip().startswith("<")


@pytest.mark.parametrize(
    "data", [b'<robot name="\xc4"/>', b'<?xml version="1.0" encoding="klingon"?><robot/>', b"\xff\xfe<"]
)
def test_decode_of_what_is_not_text_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(SafetyError, match="not text in its encoding") as caught:
        decode(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<robot", "not well-formed"),
        ("", "not well-formed"),
        ("<sdf/>", "root element is <sdf>"),
        ('<!-- <!DOCTYPE is not here --><?xml-model?>\n<!DOCTYPE robot [<!ENTITY a "aa">]><robot/>', "document type"),
        ("<robot/>", "it has no link"),
        ('<robot><link name="a"/><link name="a"/></robot>', "two links named 'a'"),
        (ARM.format(""), r"the root links \['a', 'b'\]"),
        (ARM.format(JOINT.format("j", "a", "c")), "has the child 'c'"),
        (ARM.format(JOINT.format("j", "a", "b") + JOINT.format("k", "a", "b")), "child of two joints"),
        (ARM.format(JOINT.format("j", "a", "b") + JOINT.format("k", "b", "a")), "a loop of joints"),
        (ARM.format('<link name="c"/>' + JOINT.format("j", "c", "b") + JOINT.format("k", "b", "c")), "loop of joints"),
        (ARM.format(JOINT.format("", "a", "b")), "joint without a name"),
    ],
)
def test_parse_of_what_is_not_an_arm_is_refused_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(SafetyError, match=problem) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_parse_with_a_document_type_in_a_comment_is_accepted() -> None:
    assert parse("<!-- <!DOCTYPE robot> -->" + ARM.format(JOINT.format("j", "a", "b"))).tag == "robot"


def test_parse_of_an_entity_bomb_or_endless_blanks_is_refused_at_once() -> None:
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 30))
    start = time.perf_counter()
    for text in (
        f'<!DOCTYPE robot [<!ENTITY e0 "ha">{bomb}]><robot name="&e29;"/>',
        " " * 1_000_000 + "<?x",
        "<!--" * 10_000,
    ):
        with pytest.raises(SafetyError):
            parse(text)
    assert time.perf_counter() - start < 5.0
