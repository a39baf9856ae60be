import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
import rclpy
from std_msgs.msg import String

from async_rl_core.config.load import resolve, write_config
from async_rl_ros.node import ConfiguredNode

NODE = """
from async_rl_core.errors import SafetyError
from async_rl_ros.node import ConfiguredNode, main

class Tested(ConfiguredNode):
    def __init__(self):
        super().__init__("tested")
        print("preset", self.config.preset, flush=True)
    def run(self, stop):
        {run}
    def close(self):
        print("closed", flush=True)

main(Tested, lambda: print("scheduled", flush=True) or "scheduled as wanted")
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    write_config(resolve("laptop", {}), path)
    return path


def start(run: str, *arguments: str) -> "subprocess.Popen[str]":
    line = [sys.executable, "-c", NODE.format(run=run), *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "ASYNC_RL_SUPERVISED"}
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(process: "subprocess.Popen[str]", line: str) -> None:
    """Not by select, which does not see lines that were read along with the one before them."""
    assert process.stdout is not None
    limit = threading.Timer(60, process.kill)  # ends its output, and with it the wait
    limit.start()
    try:
        assert any(read.strip() == line for read in process.stdout), f"the node ended without {line!r}"
    finally:
        limit.cancel()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_main_with_a_signal_during_start_ends(config, number):
    starts = NODE.replace('print("preset"', 'print("starting", flush=True); time.sleep(600); print("preset"')
    line = [sys.executable, "-c", "import time\n" + starts.format(run="pass"), "--ros-args", "-p", f"config:={config}"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(process, "starting")
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_main_with_a_signal_closes_the_node_and_exits_with_0(config, number):
    run = 'print("running", flush=True); super().run(stop)'
    with start(run, "--ros-args", "-p", f"config:={config}") as process:
        wait_for(process, "running")
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.strip() == "closed"


def test_main_schedules_first_and_logs_it(config):
    with start("pass", "--ros-args", "-p", f"config:={config}") as process:
        out, err = process.communicate(timeout=30)
    assert out.split() == ["scheduled", "preset", "laptop", "closed"]
    assert "scheduled as wanted" in out + err


def test_main_with_an_error_prints_one_line_and_exits_with_2(config):
    with start('raise SafetyError("no limits")', "--ros-args", "-p", f"config:={config}") as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert err.strip().splitlines()[-1] == "error: no limits"
    assert "Traceback" not in err
    assert out.strip().endswith("closed")


def test_main_without_a_configuration_names_the_parameter():
    with start("pass") as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "parameter 'config' is not set; pass -p config:=" in err


def test_main_waits_for_threads_that_write(config):
    run = (
        "import threading, time; "
        'threading.Thread(target=lambda: (time.sleep(0.5), print("written", flush=True))).start()'
    )
    with start(run, "--ros-args", "-p", f"config:={config}") as process:
        out, _ = process.communicate(timeout=30)
    assert out.split()[-1] == "written"
    assert process.returncode == 0


def test_main_with_an_endless_daemon_thread_ends(config):
    run = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    with start(run, "--ros-args", "-p", f"config:={config}") as process:
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out.split()[-1]) == (0, "closed")


def test_subscription_whose_callback_fails_logs_and_continues(config, monkeypatch):
    rclpy.init(args=["--ros-args", "-p", f"config:={config}"])
    node = ConfiguredNode("tested")
    try:
        taken, lines = [], []
        subscription = node.create_subscription(String, "numbers", lambda m: taken.append(float(m.data)), 10)
        monkeypatch.setattr(
            node, "get_logger", lambda: SimpleNamespace(error=lambda line, **options: lines.append(line))
        )
        for text in ("1.0", "one\nline", "2.0"):
            subscription.callback(String(data=text))
        assert taken == [1.0, 2.0]
        (line,) = lines
        assert line.startswith("ignored a message on numbers: ValueError: could not convert string to float")
    finally:
        node.destroy_node()
        rclpy.shutdown()
