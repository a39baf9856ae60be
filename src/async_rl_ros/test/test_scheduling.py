import gc
import os
import platform
import select
import signal
import subprocess
import sys

import pytest

IMPORT = "import os; from async_rl_ros import scheduling as s; "
KERNEL = tuple(map(int, platform.release().split("-")[0].split(".")[:2]))
SHORT_TURNS_GRANTED = KERNEL >= (6, 12) and platform.machine() in ("x86_64", "aarch64")
NO_RIGHTS = """
def refuse(*words): raise PermissionError
os.sched_setscheduler = os.setpriority = refuse
"""


def run(code: str, **environment: str) -> str:
    """Returns the output of a separate process: scheduling cannot be undone without privileges."""
    result = subprocess.run(
        [sys.executable, "-c", IMPORT + code], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_background_is_batch_at_nice_19():
    assert run("s.background(); print(os.sched_getscheduler(0), os.getpriority(0, 0))") == f"{os.SCHED_BATCH} 19"


def test_urgent_takes_real_time_back():
    said, policy, niceness = run(
        "s.realtime(20); print(s.urgent(), os.sched_getscheduler(0), os.getpriority(0, 0), sep='|')"
    ).split("|")
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert int(policy) == os.SCHED_OTHER
    assert int(niceness) == (-10 if said == "scheduled with nice -10" else before)


@pytest.mark.skipif(not os.path.exists("/proc/self/autogroup"), reason="the kernel does not group by session")
def test_urgent_counts_for_the_session_too():
    said, group = run(
        "os.setsid(); t = s.urgent(); print(t, open('/proc/self/autogroup').read().split()[-1], sep='|')"
    ).split("|")
    assert group == ("-10" if said == "scheduled with nice -10" else "0")


@pytest.mark.skipif(not os.path.exists("/proc/self/autogroup"), reason="the kernel does not group by session")
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("s.background()", 5),
        ("s.nice(3)", max(3, min(os.getpriority(os.PRIO_PROCESS, 0), 5))),
        ("s.background(); s.undo_niceness()", min(os.getpriority(os.PRIO_PROCESS, 0), 5)),
    ],
)
def test_scheduling_leader_of_session_sets_the_niceness_of_the_session(call, expected):
    """Else a learner in its own session gets as much of a processor as the agent; at 19, other programs starve it."""
    group = run(f"os.setsid(); {call}; print(open('/proc/self/autogroup').read().split()[-1])")
    assert int(group) == expected


def test_nice_never_lowers_the_value():
    assert run("os.setpriority(0, 0, 17); print(s.nice(5), os.getpriority(0, 0))") == "scheduled with nice 17 17"


def test_undo_niceness_restores_every_thread_where_allowed():
    code = (
        "import threading, time; before = os.getpriority(0, 0); s.background();"
        "t = threading.Thread(target=time.sleep, args=(60,), daemon=True); t.start(); s.undo_niceness();"
        "print(before, [os.getpriority(0, int(i)) for i in os.listdir('/proc/self/task')], sep='|')"
    )
    before, found = run(code).split("|")
    allowed = os.geteuid() == 0
    assert found == f"[{before}, {before}]" if allowed else "19" in found


@pytest.mark.parametrize(
    ("listed", "said"), [("", "no processor is isolated"), ("0", "runs on the isolated"), ("1022-1023", "not allowed")]
)
def test_isolate_returns_the_result(tmp_path, listed, said):
    (tmp_path / "isolated").write_text(f"{listed}\n")
    before = len(os.sched_getaffinity(0))
    text, processors = run(
        f"from pathlib import Path; t = s.isolate(Path({str(tmp_path / 'isolated')!r}));"
        "print(t, len(os.sched_getaffinity(0)), sep='|')"
    ).split("|")
    assert text.startswith(said)
    assert int(processors) == (1 if listed == "0" else before)


def test_realtime_returns_the_result():
    said, policy, priority, niceness = run(
        "t = s.realtime(20); p = os.sched_getparam(0).sched_priority;"
        "print(t, os.sched_getscheduler(0), p, os.getpriority(0, 0), sep='|')"
    ).split("|")
    before = os.getpriority(os.PRIO_PROCESS, 0)
    got = {
        "scheduled in real time, SCHED_FIFO 20": (os.SCHED_FIFO, 20, before),
        "no right to real-time scheduling; scheduled with nice -10": (os.SCHED_OTHER, 0, -10),
    }
    assert (int(policy), int(priority), int(niceness)) == got.get(said, (os.SCHED_OTHER, 0, before))


def test_realtime_falls_back_to_nice_then_to_nothing(monkeypatch):
    from async_rl_ros import scheduling

    def refuse(*_):
        raise PermissionError

    asked = []
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "setpriority", lambda *arguments: asked.append(arguments))
    assert "nice -10" in scheduling.realtime(20)
    assert asked == [(os.PRIO_PROCESS, 0, -10)]
    monkeypatch.setattr(os, "setpriority", refuse)
    assert scheduling.realtime(20).startswith("no right")


def test_lock_memory_returns_the_result():
    said, locked = run(
        "print(s.lock_memory()); print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmLck')))"
    ).splitlines()
    assert said == "memory is locked" if int(locked) else "not locked" in said


def test_freeze_garbage_disables_collection():
    assert run("s.freeze_garbage(); import gc; print(gc.isenabled(), gc.get_freeze_count() > 0)") == "False True"
    assert gc.isenabled()


@pytest.mark.parametrize("supervised", [True, False])
def test_end_with_supervisor_ends_a_supervised_process(supervised):
    child = IMPORT + "import sys; s.end_with_supervisor(); print(os.getpid(), flush=True); sys.stdin.read()"
    parent = (
        "import os, subprocess, sys;"
        + ("os.environ['ASYNC_RL_SUPERVISED'] = str(os.getpid());" if supervised else "")
        + f"subprocess.Popen([sys.executable, '-c', {child!r}]).wait()"
    )
    environment = {key: value for key, value in os.environ.items() if key != "ASYNC_RL_SUPERVISED"}
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as started:
        assert started.stdout is not None
        handle = os.pidfd_open(int(started.stdout.readline()))
        started.kill()
        ended, _, _ = select.select([handle], [], [], 5.0 if supervised else 0.5)
        if not ended:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
    assert bool(ended) is supervised


def test_end_with_supervisor_that_died_first_ends_the_process():
    result = subprocess.run(
        [sys.executable, "-c", IMPORT + "s.end_with_supervisor()"],
        env={**os.environ, "ASYNC_RL_SUPERVISED": "4194304"},  # above every process id
    )
    assert result.returncode == -signal.SIGTERM


@pytest.mark.skipif(not SHORT_TURNS_GRANTED, reason="Linux grants short turns from 6.12 on")
def test_shorten_turns_is_granted_and_keeps_policy_and_niceness() -> None:
    said = run("os.setpriority(0, 0, 3); print(s.shorten_turns(), os.sched_getscheduler(0), os.getpriority(0, 0))")
    assert said == f"True {os.SCHED_OTHER} 3"


def test_realtime_without_rights_asks_for_short_turns_and_says_so() -> None:
    said = run(f"exec({NO_RIGHTS!r}); print(s.realtime(20, short=True))")
    assert said.startswith("no right to real-time scheduling or a negative nice value")
    assert ("; given short turns" in said) == SHORT_TURNS_GRANTED
