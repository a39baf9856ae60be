"""Settings of the driver of an arm, which is real or simulated behind its own protocol."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from async_rl_core.config.section import Section


class StatusCondition(Section):
    """The value of a driver's topic or service at which the robot is ready."""

    source: str = Field(description="name of the topic or service")
    type: str = Field(
        pattern=r"^\w+/(msg|srv)/\w+$", description="of its messages, such as std_msgs/msg/Bool; a service is polled"
    )
    field: str = Field(description="the value that counts, dotted: state.state")
    allowed: tuple[bool | int | str, ...] | None = Field(default=None, description="values at which the robot is ready")
    at_least: float | None = Field(default=None, description="or the smallest of them")
    means: str = Field(description="what is wrong otherwise, in words")

    @model_validator(mode="after")
    def _one_test(self) -> "StatusCondition":
        if (self.allowed is None) == (self.at_least is None):
            raise ValueError(f"condition on {self.source}: give either allowed or at_least")
        return self

    @property
    def polled(self) -> bool:
        """Returns whether the source is a service that is polled, not a topic."""
        return "/srv/" in self.type

    def holds(self, value: object) -> bool:
        """Returns whether the robot is ready at this value, which may be of any type."""
        if self.allowed is not None:
            return any(type(value) is type(one) and value == one for one in self.allowed)
        assert self.at_least is not None
        return isinstance(value, int | float) and value >= self.at_least


class SimulatorNode(Section):
    """A node which stands in for the arm, at the other end of its protocol."""

    executable: str
    requires: tuple[str, ...] = Field(description="Python distributions that it needs")


class NodeDriver(Section):
    """A node of the suite, which reads the run's configuration and publishes `robot_status` itself."""

    via: Literal["node"]
    package: str
    executable: str
    requires: tuple[str, ...] = Field(description="Python distributions that it needs")
    simulator: SimulatorNode | None = Field(default=None, description="of the same package")


class LaunchDriver(Section):
    """Someone else's launch file; `robot_status_node` makes `robot_status` of what it publishes."""

    via: Literal["launch"]
    package: str
    launch_file: str
    arguments: dict[str, str] = Field(
        description="of the launch file; {robot_ip} stands for the robot's address, {config} for the folder config/"
    )
    controller: str | None = Field(default=None, description="of controller_manager, which has to be active")
    spawned: bool = Field(default=True, description="whether the launch file starts that controller; else we do")
    status: tuple[StatusCondition, ...] = Field(description="all of them must hold before arming, and ever after")
    robot: dict[str, JsonValue] = Field(default={}, description="keys of the robot that are other with this driver")


Driver = Annotated[NodeDriver | LaunchDriver, Field(discriminator="via")]
