"""Loaded by the processes under a faked clock: libfaketime fails `clock_nanosleep` where it leaves uptime alone."""

import threading
import time


def sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


time.sleep = sleep
