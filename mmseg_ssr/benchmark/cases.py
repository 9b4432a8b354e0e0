"""Comparison of cases: each has its own process, and all run in turn (A B A B)."""
import json
import logging
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Callable, Dict, List, Optional, Sequence

import torch

from .. import starting
from ..errors import UserError
from .measure import Measurement, Workload, serve

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        device: device of torch.
        threads: number of torch's threads on the CPU.
        repeats: number of turns of each case.
        calls: calls in a row in each turn, whose mean counts. An accelerator needs several to be
            as busy as in a training.
        until: reading of ``time.monotonic()`` at which cases that still run are left out. None
            waits for all.
    """
    device: str = 'cpu'
    threads: int = 1
    repeats: int = 3
    calls: int = 1
    until: Optional[float] = None


def on_host(settings: Settings) -> Settings:
    """Return the settings for work of the host alone."""
    return replace(settings, device='cpu', calls=1)


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        name: name in tables and in the JSON file.
        build: module-level function, called as ``build(device, **arguments)``.
        arguments: keyword arguments of ``build``, which can be pickled.
        script: a Python file that builds the workload instead, in its own interpreter. Its
            arguments are the number of a file descriptor to talk over (:func:`.measure.serve`),
            and the arguments, device and threads as JSON.
        keep_memory: whether ``build`` runs in a process that keeps freed memory, as our commands
            do (:func:`mmseg_ssr.starting.keep_freed_memory`). A script does what it does.
    """
    name: str
    build: Optional[Callable[..., Workload]]
    arguments: Dict[str, Any] = field(default_factory=dict)
    script: Optional[str] = None
    keep_memory: bool = True


@dataclass
class Result:
    """The measurements of a case, and the facts that it reported."""
    measurements: List[Measurement] = field(default_factory=list)
    facts: Dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Median over the timed runs."""
        return statistics.median(m.seconds for m in self.measurements)

    @property
    def best_seconds(self) -> float:
        """Seconds of the fastest run."""
        return min(m.seconds for m in self.measurements)

    @property
    def peak_bytes(self) -> int:
        """Largest peak over the timed runs."""
        return max(m.peak_bytes for m in self.measurements)

    @property
    def work_bytes(self) -> int:
        """Largest growth over the memory in use before the run."""
        return max(m.peak_bytes - m.rest_bytes for m in self.measurements)

    def record(self) -> Dict[str, Any]:
        """The result for the JSON file. Facts have priority over what was seen from outside."""
        seconds = [m.seconds for m in self.measurements]
        return {**dict(seconds=self.seconds, seconds_min=min(seconds), seconds_max=max(seconds),
                       repeats=len(seconds), peak_bytes=self.peak_bytes,
                       work_bytes=self.work_bytes), **self.facts}


@dataclass
class Outcome:
    """Results by case, and reasons for missing cases."""
    results: Dict[str, Result] = field(default_factory=dict)
    left_out: Dict[str, str] = field(default_factory=dict)


def measure_cases(cases: Sequence[Case], settings: Settings) -> Outcome:
    """Build and warm up every case, then run them in turn, ``settings.repeats`` times each.

    A case that fails is left out, and the reason is kept. The others continue.

    Raises:
        UserError: no case is left.
    """
    outcome = Outcome()
    with ExitStack() as stack:
        children = [stack.enter_context(Child(case, settings)) for case in cases]
        for child in children:
            logger.info('%s: build and warm up', child.case.name)
            outcome.results[child.case.name] = Result()
            child.attempt(outcome, 'build')
            child.attempt(outcome, 'warm_up')
        for turn in range(settings.repeats):
            logger.info('turn %d of %d', turn + 1, settings.repeats)
            for child in children:
                child.attempt(outcome, 'measure', settings.calls)
        for child in children:
            child.attempt(outcome, 'finish')
    if cases and not outcome.results:
        raise UserError(f'nothing could be measured: {"; ".join(outcome.left_out.values())}')
    return outcome


class Child:
    """The process of a case, seen from its parent. As a context manager it ends the process."""

    def __init__(self, case: Case, settings: Settings):
        self.case = case
        self.until = settings.until
        self.connection, theirs = multiprocessing.Pipe()
        start = start_script if case.script else start_process
        self.stop = start(case, settings, theirs)
        theirs.close()  # otherwise the end of the child would stay unnoticed

    def __enter__(self) -> 'Child':
        return self

    def __exit__(self, *unused: Any) -> None:
        self.connection.close()  # asks the process to end
        self.stop()

    def attempt(self, outcome: Outcome, request: str, *args: Any) -> None:
        """Send a request and enter the answer. A case that failed before gets no more requests."""
        result = outcome.results.get(self.case.name)
        if result is None:
            return
        try:
            answer = self.ask(request, *args)
        except UserError as error:
            del outcome.results[self.case.name]
            outcome.left_out[self.case.name] = str(error)
            logger.warning('left out: %s', error)
            return
        if request == 'measure':
            result.measurements.append(Measurement(*answer))
            logger.info('%s: %.4g s', self.case.name, answer[0])
        elif answer:
            result.facts.update(answer)

    def ask(self, *request: Any) -> Any:
        """Send a request and return the answer.

        Raises:
            UserError: the process reports an error, has died, or takes too long.
        """
        try:
            self.connection.send(request)
            failure, answer = 'the time is over', None
            if self.connection.poll(self.until and max(self.until - time.monotonic(), 0)):
                failure, answer = self.connection.recv()
        except (EOFError, OSError):
            failure = 'its process died, perhaps for lack of memory'
        if failure is not None:
            raise UserError(f'{self.case.name}: {" ".join(failure.split())}')
        return answer


def patience(settings: Settings) -> float:
    """Return the seconds in which a process may end by itself."""
    over = settings.until is not None and time.monotonic() > settings.until
    return 0.5 if over else 10.


def start_process(case: Case, settings: Settings, connection: Connection) -> Callable[[], None]:
    """Start the case's process.

    On a CPU it is a fork of a server that has imported everything. mmcv asks for CUDA when it is
    imported, and after that no fork can use it. So on an accelerator the process starts anew.
    """
    on_cpu = torch.device(settings.device).type == 'cpu'
    context = multiprocessing.get_context('forkserver' if on_cpu else 'spawn')
    if on_cpu:
        context.set_forkserver_preload([__name__, case.build.__module__])
    process = context.Process(target=_run_case, args=(case, settings, connection))
    process.start()

    def stop() -> None:
        process.join(patience(settings))
        if process.is_alive():
            process.kill()
            process.join()

    return stop


def _run_case(case: Case, settings: Settings, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends this process
    os.dup2(2, 1)  # standard output is kept for the tables
    logging.disable(logging.INFO)  # mmcv lists every parameter
    multiprocessing.set_start_method(None, force=True)  # loaders start workers as in a training
    if case.keep_memory:
        starting.keep_freed_memory()

    def build(device: torch.device) -> Workload:
        return case.build(device, **case.arguments)

    serve(connection, build, settings.device, settings.threads, (UserError, ))


def start_script(case: Case, settings: Settings, connection: Connection) -> Callable[[], None]:
    """Start the case's script in its own interpreter. Its output goes to stderr."""
    handle = connection.fileno()
    arguments = json.dumps(dict(case.arguments, device=settings.device, threads=settings.threads))
    process = subprocess.Popen([sys.executable, case.script, str(handle), arguments],
                               pass_fds=[handle], stdout=2)

    def stop() -> None:
        try:
            process.wait(patience(settings))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    return stop
