"""Iterations of several processes that train together on this machine."""
import multiprocessing
import os
import socket
from multiprocessing.connection import Connection
from typing import Any, Dict, List

import torch

from ... import starting
from ...engine.distributed.launch import launched
from ...errors import UserError
from ..measure import Workload, library_memory, memory_peak
from ..step import TrainingIteration


class Processes(Workload):
    """An iteration that processes with one thread each do together on the CPU, with gloo.

    Args:
        device: not used. Processes on accelerators would need one each.
        processes: their number.
        arguments: of each process's :class:`~mmseg_ssr.benchmark.step.TrainingIteration`.
    """

    def __init__(self, device: torch.device, processes: int, **arguments: Any):
        context = multiprocessing.get_context('forkserver')
        self.connections, self.processes = [], []
        port = free_port()
        for rank in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=take_part, daemon=True, args=(
                theirs, rank, processes, port, arguments))
            process.start()
            theirs.close()
            self.connections.append(ours)
            self.processes.append(process)

    def ask(self, request: str) -> List[Any]:
        """Ask all processes at once, and wait for all answers.

        Raises:
            UserError: a process died.
        """
        try:
            for connection in self.connections:
                connection.send(request)
            return [connection.recv() for connection in self.connections]
        except (EOFError, OSError) as error:
            raise UserError(f'one of {len(self.connections)} training processes died, perhaps for '
                            'lack of memory: end other programs') from error

    def warm_up(self) -> Dict[str, Any]:
        return dict(flops=sum(facts['flops'] for facts in self.ask('warm_up')))

    def run(self) -> None:
        self.ask('run')

    def finish(self) -> Dict[str, Any]:
        """End the processes. Their memory takes the place of this process's. They share their
        libraries, which count once."""
        peaks, libraries = zip(*self.ask('finish'))
        for process in self.processes:
            process.join()
        return dict(peak_bytes=sum(peaks) - sum(libraries) + max(libraries),
                    library_bytes=max(libraries), work_bytes=None)


def take_part(connection: Connection, rank: int, processes: int, port: int,
              arguments: Dict[str, Any]) -> None:
    """Join the others and do iterations on request, until the end is asked for."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(processes),
                      MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    starting.keep_freed_memory()
    torch.set_num_threads(1)
    with launched('pytorch', 'cpu') as own:
        iteration = TrainingIteration(own, parts=False, **arguments)
        while True:
            request = connection.recv()
            if request == 'finish':
                break
            connection.send(getattr(iteration, request)())
    connection.send((memory_peak(own), library_memory()))


def free_port() -> int:
    """Find a port that no program listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
