"""Two processes that train together, started once and asked to run many functions."""
import multiprocessing
import os
import pickle
import sys
import traceback
from types import SimpleNamespace
from typing import Any, Callable, List, Sequence, Tuple

import tiny_training

from mmseg_ssr.benchmark.scale.processes import free_port

SIZE = 2
PATIENCE = 100  # seconds for one function


class ProcessPair:
    """``pair(function, *args)`` calls a function of a module on both; the list of their results.

    The processes are a group of gloo, as torchrun would have started them.
    """

    def __init__(self):
        self._processes = []

    def __call__(self, function: Callable, *args: Any) -> List[Any]:
        if not self._processes:
            self._start()
        request = pickle.dumps((function, args))
        for connection in self._connections:
            connection.send_bytes(request)
        answers = [self._receive(rank) for rank in range(SIZE)]
        failures = [f'process {rank}:\n{text}' for rank, (fine, text) in enumerate(answers)
                    if not fine]
        if failures:
            self.close()  # the other one may wait for the one that failed
            raise AssertionError('\n'.join(failures))
        return [value for _, value in answers]

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        self._processes = []

    def _start(self) -> None:
        context = server()
        pipes = [context.Pipe() for _ in range(SIZE)]
        self._connections = [ours for ours, _ in pipes]
        port = free_port()
        self._processes = [context.Process(target=serve, args=(rank, port, pipes[rank][1]),
                                           daemon=True) for rank in range(SIZE)]
        for process in self._processes:
            process.start()

    def _receive(self, rank: int) -> Any:
        if not self._connections[rank].poll(PATIENCE):
            return False, f'no answer for {PATIENCE} s'
        try:
            return pickle.loads(self._connections[rank].recv_bytes())
        except EOFError:
            return False, 'it has ended'


def server() -> Any:
    """Starts processes from one that has imported everything and done nothing else."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['mmseg_ssr', 'pytest'])
    path = os.environ.get('PYTHONPATH', '')
    os.environ['PYTHONPATH'] = os.pathsep.join([str(tiny_training.ROOT), path])
    try:
        from multiprocessing.forkserver import ensure_running
        ensure_running()
    finally:
        os.environ['PYTHONPATH'] = path
    return context


def become(rank: int, port: int) -> None:
    """Be process ``rank`` in the eyes of torch: torchrun's variables, one thread, no rests."""
    import mmcv.utils.config
    import torch
    from mmcv.runner import iter_based_runner
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(SIZE),
                      LOCAL_WORLD_SIZE=str(SIZE), MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.set_num_threads(1)
    iter_based_runner.time = SimpleNamespace(sleep=lambda seconds: None)
    # laying out the text of a config takes longer than training with it
    mmcv.utils.config.FormatCode = lambda text, **unused: (text, True)


def serve(rank: int, port: int, connection: Any) -> None:
    import torch

    import mmseg_ssr  # noqa: F401
    become(rank, port)
    torch.distributed.init_process_group('gloo')
    while True:
        function, args = pickle.loads(connection.recv_bytes())
        try:
            torch.manual_seed(0)
            answer = True, function(*args)
        except BaseException:
            answer = False, traceback.format_exc()
        connection.send_bytes(pickle.dumps(answer))


def run_twice(function: Callable, folder: Any, *args: Any) -> Tuple[List[int], List[str]]:
    """Run a command as two processes of a launcher: their exit codes and what they printed."""
    context, port = server(), free_port()
    processes = [context.Process(target=command, args=(function, rank, port, folder, args))
                 for rank in range(SIZE)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
        process.kill()
    return ([process.exitcode for process in processes],
            [(folder / f'process_{rank}.txt').read_text() for rank in range(SIZE)])


def command(function: Callable, rank: int, port: int, folder: Any, args: Sequence[Any]) -> None:
    become(rank, port)
    sys.stdout = sys.stderr = open(folder / f'process_{rank}.txt', 'w', buffering=1)
    function(*args)
