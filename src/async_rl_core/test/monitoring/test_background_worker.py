"""Jobs run in order, elsewhere, and fail in a line."""

import threading

from async_rl_core.monitoring.background_worker import BackgroundWorker

TIMEOUT = 60.0


def test_worker_jobs_run_in_order_in_another_thread() -> None:
    worker = BackgroundWorker()
    done: list[tuple[int, int]] = []
    for n in range(5):
        worker.submit("counting", lambda n=n: done.append((n, threading.get_ident())))  # type: ignore[misc]
    assert worker.close(TIMEOUT) == []
    assert [n for n, _ in done] == list(range(5))
    assert threading.get_ident() not in {thread for _, thread in done}


def test_worker_job_that_fails_is_one_line_and_the_next_runs() -> None:
    worker = BackgroundWorker()

    def fail() -> None:
        raise OSError("no space left")

    done = threading.Event()
    worker.submit("drawing", fail)
    worker.submit("counting", done.set)
    assert done.wait(TIMEOUT)
    assert worker.close(TIMEOUT) == ["warning: drawing failed: no space left"]


def test_worker_is_idle_until_a_job_is_submitted() -> None:
    worker = BackgroundWorker()
    hold = threading.Event()
    assert worker.idle
    worker.submit("waiting", hold.wait)
    assert not worker.idle
    assert worker.failures() == []
    hold.set()
    worker.close(TIMEOUT)
    assert worker.idle


def test_worker_close_with_an_endless_job_returns() -> None:
    worker = BackgroundWorker()
    hold = threading.Event()
    worker.submit("drawing", hold.wait)
    worker.submit("another", print)
    assert worker.close(0.01) == ["warning: drawing was not finished in time"]
    hold.set()


def test_close_with_a_job_to_be_kept_waits_for_it_and_for_no_picture_after_it() -> None:
    worker = BackgroundWorker()
    hold, encoding, written = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        encoding.wait(TIMEOUT)
        written.set()

    worker.submit("writing a video", write, keep=True)
    worker.submit("drawing", hold.wait)
    threading.Timer(0.2, encoding.set).start()
    assert worker.close(0.01, TIMEOUT) == ["warning: drawing was not finished in time"]
    assert written.is_set()
    hold.set()
