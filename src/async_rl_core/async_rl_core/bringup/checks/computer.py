"""Looks at the computer: cores and what keeps them busy, clock frequencies, and the rights that real time needs."""

import os
import resource
import time
from pathlib import Path

from async_rl_core.bringup.checks.finding import Finding
from async_rl_core.bringup.checks.probe import Probe, run_probe

MIN_CORES = 2
MIN_IDLE = 1.5
"""Cores that must be idle before a run: fewer, and commands come late."""
BUSY = 0.2
"""Share of a core from which a process is named."""
MIN_LOCKED = 2**30  # bytes that the guard may lock in memory

_LOAD_PERIOD = 1.0  # seconds over which the load is measured
_TICKS = os.sysconf("SC_CLK_TCK")
_LIMITS = Path("/etc/security/limits.conf")


def cores() -> Finding:
    """CPU cores that this process may use."""
    allowed, quota = len(os.sched_getaffinity(0)), _quota()
    count = min(allowed, quota) if quota else allowed
    finding = f"{allowed}" + (f", limited to the time of {quota:g} (cgroup)" if quota and quota < allowed else "")
    if count >= MIN_CORES:
        return Finding("CPU cores", "fine", finding)
    remedy = (
        f"give it {MIN_CORES} or more (docker run --cpus={MIN_CORES}); with fewer the learner delays the robot loop"
    )
    return Finding("CPU cores", "could be better", finding, remedy)


def _quota(path: Path = Path("/sys/fs/cgroup/cpu.max")) -> float | None:
    """Returns the number of cores whose time a container may use; None if it is not limited."""
    try:
        share, period = path.read_text(encoding="utf-8").split()
        return None if share == "max" else int(share) / int(period)
    except (OSError, ValueError):
        return None


def load() -> Finding:
    """Checks how busy the cores are, and names the busiest processes."""
    allowed = len(os.sched_getaffinity(0))
    before, processes = _busy_time(), _process_times()
    time.sleep(_LOAD_PERIOD)
    busy = (_busy_time() - before) / _TICKS / _LOAD_PERIOD
    after = _process_times()
    shares = {name: (ticks - processes.get(name, ticks)) / _TICKS / _LOAD_PERIOD for name, ticks in after.items()}
    busiest = sorted((share, name) for name, share in shares.items() if share >= BUSY)[::-1][:3]
    named = ", ".join(f"{name} {100 * share:.0f}%" for share, name in busiest)
    finding = f"{min(busy, allowed):.1f} of {allowed} cores busy, load average {os.getloadavg()[0]:.1f}"
    if allowed - busy >= (MIN_IDLE if allowed >= MIN_CORES else allowed / 2):
        return Finding("load", "fine", finding)
    remedy = f"stop what keeps them busy{f' ({named})' if named else ''}; commands come late and learning is slow"
    return Finding("load", "could be better", finding, remedy)


def _busy_time() -> float:
    """Clock ticks that the cores of this process have spent on work since the start."""
    allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    busy = 0
    for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines():
        name, *fields = line.split()
        if name in allowed:
            user, nice, system, _idle, _wait, irq, soft_irq = map(int, fields[:7])
            busy += user + nice + system + irq + soft_irq
    return busy


def _process_times() -> dict[str, int]:
    """Clock ticks that each process has used, by its name and number."""
    times = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(errors="replace", encoding="utf-8")
        except OSError:  # it ended just now
            continue
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        times[f"{name} (process {path.parent.name})"] = int(fields[11]) + int(fields[12])
    return times


def frequency(folder: Path = Path("/sys/devices/system/cpu")) -> Finding:
    """Clock frequencies of the cores, and what sets them."""
    governors, slowed, ranges = set(), False, []
    for path in sorted(folder.glob("cpu[0-9]*/cpufreq")):
        try:
            governors.add((path / "scaling_governor").read_text(encoding="utf-8").strip())
            current, allowed, most = (
                int((path / name).read_text(encoding="utf-8"))
                for name in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq")
            )
        except (OSError, ValueError):
            continue
        slowed |= allowed < 0.9 * most
        ranges.append((current, most))
    if not ranges:
        return Finding("CPU frequency", "fine", "not visible here (a virtual machine, or fixed)")
    current, most = min(ranges)
    finding = f"{current / 1e6:.1f} of {most / 1e6:.1f} GHz, governor {', '.join(sorted(governors))}"
    if governors <= {"performance"} and not slowed:
        return Finding("CPU frequency", "fine", finding)
    remedy = "plug in the power supply; sudo cpupower frequency-set --governor performance (until the next boot)"
    return Finding("CPU frequency", "could be better", finding, remedy)


def real_time() -> Finding:
    """Checks the right to use SCHED_FIFO."""
    if run_probe(Probe.REAL_TIME).works:
        return Finding("real time", "fine", "SCHED_FIFO permitted")
    remedy = (
        f"commands may come late under load; add '{_user()} - rtprio 95' to {_LIMITS} and log in again "
        "(docker run --ulimit rtprio=95 --cap-add sys_nice)"
    )
    return Finding("real time", "could be better", "SCHED_FIFO not permitted", remedy)


def memory_lock() -> Finding:
    """Checks how much memory the guard may lock."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if os.geteuid() == 0 or soft == resource.RLIM_INFINITY or soft >= MIN_LOCKED:
        shown = "unlimited" if os.geteuid() == 0 or soft == resource.RLIM_INFINITY else f"{soft / 2**20:.0f} MiB"
        return Finding("memory lock", "fine", shown)
    remedy = (
        f"pages of the robot loop may be swapped out; add '{_user()} - memlock unlimited' to {_LIMITS} and log in "
        "again (docker run --ulimit memlock=-1)"
    )
    return Finding("memory lock", "could be better", f"{soft / 2**20:.0f} MiB may be locked", remedy)


def _user() -> str:
    return os.environ.get("USER") or "<user>"
