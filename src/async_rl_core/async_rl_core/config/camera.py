"""Settings of the camera and of its drivers."""

import re
from typing import Annotated

from pydantic import Field, model_validator

from async_rl_core.config.paths import UserFile
from async_rl_core.config.section import ByKey, KeyedError, NonNegative, Positive, Section
from async_rl_core.topics import OBSERVED_IMAGE

SIMULATED, TOPIC = "sim", "topic:"
"""Values of a source besides the names of drivers; the name of a topic follows the second."""
COMPRESSED = "compressed"
"""The end of the names of topics that carry sensor_msgs/CompressedImage; others carry sensor_msgs/Image."""

_TOPIC = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*$", re.ASCII)


class CameraDriver(Section):
    """A node of another package that publishes a camera's images."""

    package: str
    executable: str
    topic: str = Field(description="of its images, sensor_msgs/CompressedImage where the name ends with 'compressed'")
    device: UserFile | None = Field(default=None, description="a file that has to be there")
    parameters: Annotated[dict[str, str], ByKey()] = Field(
        default={}, description="as '-p' of --ros-args takes them; {rate} stands for camera.rate, {device} for the file"
    )

    @model_validator(mode="after")
    def _can_be_filled(self) -> "CameraDriver":
        for name, text in self.parameters.items():
            try:
                self._filled(text, 1.0)
            except (LookupError, ValueError, AttributeError) as error:
                problem = f"parameters of {self.executable}: braces may hold rate or device only"
                raise KeyedError(problem, "parameters", name) from error
        return self

    def filled(self, rate: float) -> dict[str, str]:
        """Returns the parameters, for so many images a second."""
        return {name: self._filled(text, rate) for name, text in self.parameters.items()}

    def _filled(self, text: str, rate: float) -> str:
        return text.format(rate=rate, device=self.device)


class CameraConfig(Section):
    """The camera's stream, as the agent sees it, and where it comes from."""

    width: int = Field(ge=32, le=1920, description="image width in pixels")
    height: int = Field(ge=18, le=1080, description="image height in pixels")
    rate: Positive = Field(le=120, description="frames per second")
    source: str | None = Field(
        description="'sim', one of the drivers, or 'topic:<name>'; null: sim with a simulated arm, else topic:image_raw"
    )
    stamp_delay: NonNegative = Field(
        le=1.0,
        description="seconds from the light to a real camera's stamp, as `async_rl calibrate latency` measures them; "
        "taken off the stamps",
    )
    drivers: Annotated[dict[str, CameraDriver], ByKey("package")] = Field(
        description="what starts a camera, by the name that `source` gives"
    )

    def problem(self) -> str:
        """Returns what is wrong with the source; empty if nothing is."""
        source = self.source
        if source is None or source == SIMULATED or source in self.drivers:
            return ""
        if not source.startswith(TOPIC):
            return f"'{source}' is not a camera"
        name = source.removeprefix(TOPIC)
        if not _TOPIC.match(name):
            return f"'{name}' is not the name of a topic"
        return f"'{name}' is what the suite makes of the camera's images" if name.strip("/") == OBSERVED_IMAGE else ""
