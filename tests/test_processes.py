"""What a test starts ends with it, with all that it started, and can be interrupted."""

from __future__ import annotations

import signal
import sys
from subprocess import DEVNULL, PIPE, TimeoutExpired

import pytest

from tests.processes import finished, is_alive, started, succeeded, waited


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_a_process_takes_a_signal_also_where_the_tests_were_begun_with_it_ignored(name):
    code, number = "import time; print('begun', flush=True); time.sleep(1000)", getattr(signal, name)
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with started(sys.executable, "-c", code, stdout=PIPE, stderr=DEVNULL) as running:
            running.stdout.readline()
            running.send_signal(number)
            assert running.wait(60) == -number
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_what_a_process_began_ends_with_it():
    with started("bash", "-c", "sleep 1000 & echo $!; wait", stdout=PIPE) as running:
        child = int(running.stdout.readline())
        assert is_alive(child)
    assert waited(lambda: not is_alive(child))


def test_a_process_that_takes_too_long_is_ended():
    with pytest.raises(TimeoutExpired):
        finished("bash", "-c", "sleep 1000 & sleep 1000", timeout=0.1)


def test_a_process_that_fails_is_told_with_its_words():
    with pytest.raises(AssertionError, match="said so"):
        succeeded("bash", "-c", "echo said so; exit 3")


def test_what_does_not_come_is_not_waited_for_without_end():
    with pytest.raises(TimeoutError):
        waited(lambda: None, seconds=0.01)
