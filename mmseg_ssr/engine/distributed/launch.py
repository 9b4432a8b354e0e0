"""Processes that train or test together: their ranks, their start and their end."""
import argparse
import contextlib
import datetime
import os
import subprocess
import sys
import warnings
from typing import Iterator, MutableMapping, NamedTuple, Optional

import torch
from torch import distributed as dist

from ... import distributed
from ...errors import ConfigError, Interrupted, UserError, one_line
from ...utils.device import pick_device
from .liveness import SILENCE, Liveness

LAUNCHERS = ('auto', 'none', 'pytorch', 'slurm')
#: Environment variables that torchrun sets for each process.
TORCHRUN = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
#: Longest time of a collective operation. It ends the wait for a process that lives but never
#: comes. A dead process is noticed earlier by its silence.
PATIENCE = datetime.timedelta(minutes=30)
#: Words in the messages of operations that fail because a process is gone.
COMMUNICATION = ('gloo', 'NCCL', 'Connection closed by peer', 'Connection reset by peer')


def launcher_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that several processes can run together."""
    parser.add_argument('--launcher', choices=LAUNCHERS, default='auto',
                        help='who starts several processes: pytorch (torchrun), slurm (srun), '
                             'none, or auto: torchrun if it did')
    # torch.distributed.launch passes it on
    parser.add_argument('--local_rank', '--local-rank', type=int, help=argparse.SUPPRESS)


class Place(NamedTuple):
    """The place of a process in its job."""
    rank: int = 0
    world_size: int = 1
    local_rank: int = 0  # rank among the processes on its machine
    local_size: Optional[int] = None  # number of processes on its machine, or None if unknown


@contextlib.contextmanager
def launched(launcher: str = 'auto', device: str = 'auto',
             local_rank: Optional[int] = None,
             silence: float = SILENCE) -> Iterator[torch.device]:
    """Join the other processes of a job inside the block, and give the device of this one.

    Args:
        launcher: program that started the processes. 'pytorch' is torchrun or a program that sets
            the same variables, and 'slurm' is srun. 'none' is a process on its own. 'auto' is
            torchrun if its variables are set, else 'none'.
        device: see :func:`~mmseg_ssr.utils.device.pick_device`. With 'auto' each process on a
            machine takes its own accelerator.
        local_rank: rank on this machine, as older launchers give it on the command line.
        silence: seconds without a sign of life after which a process counts as dead.

    Raises:
        ConfigError: the launcher's variables or accelerators are missing.
        SystemExit: process 0 stops with the same error and reports it.
    """
    place = find_place(launcher, os.environ, local_rank)
    own = own_device(device, place)
    if place.world_size == 1:
        yield own
        return
    if place.rank > 0:
        warnings.simplefilter('ignore')  # process 0 shows them
    liveness = Liveness(_meet(own), place.rank, place.world_size, silence=silence)
    liveness.start()
    try:
        yield own
        distributed.wait_for_all()
    except BaseException as error:
        _part_in_error(error, liveness)
        raise
    finally:
        liveness.stop()
    dist.destroy_process_group()


def find_place(launcher: str, environment: MutableMapping[str, str],
               local_rank: Optional[int] = None) -> Place:
    """Find the place of this process from the launcher's environment variables.

    Slurm's variables are translated into torchrun's, which torch reads.

    Raises:
        ConfigError: the launcher is unknown, its variables are missing, or srun has started several
            processes and is not named.
    """
    if launcher not in LAUNCHERS:
        raise ConfigError(f'--launcher must be one of {LAUNCHERS}, got {launcher!r}')
    if local_rank is not None:
        environment.setdefault('LOCAL_RANK', str(local_rank))
    missing = [name for name in TORCHRUN if name not in environment]
    if launcher == 'auto' and missing and int(environment.get('SLURM_STEP_NUM_TASKS', 1)) > 1:
        raise ConfigError(f'srun has started {environment["SLURM_STEP_NUM_TASKS"]} processes: give '
                          '--launcher slurm to let them train together, none for one training each')
    if launcher == 'none' or launcher == 'auto' and missing:
        return Place()
    if launcher == 'slurm':
        translate_slurm(environment)
    elif missing:
        raise ConfigError(f'--launcher pytorch: {", ".join(missing)} not set: start with torchrun '
                          '--nproc_per_node N ..., which sets them')
    rank, world_size, local = (int(environment[name]) for name in TORCHRUN[:3])
    local_size = environment.get('LOCAL_WORLD_SIZE')
    return Place(rank, world_size, local, int(local_size) if local_size else None)


def translate_slurm(environment: MutableMapping[str, str]) -> None:
    """Set torchrun's variables from srun's. Given MASTER_ADDR and MASTER_PORT are kept."""
    names = dict(RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID')
    missing = [name for name in names.values() if name not in environment]
    if missing:
        raise ConfigError(f'--launcher slurm: {", ".join(missing)} not set: start with srun '
                          '--ntasks N ..., which sets them')
    for name, slurm in names.items():
        environment[name] = environment[slurm]
    if 'MASTER_ADDR' not in environment:
        environment['MASTER_ADDR'] = _first_node(environment)
    # All processes of a job share a port, and other jobs take other ports.
    job = int(environment.get('SLURM_JOB_ID', 0))
    environment.setdefault('MASTER_PORT', str(20000 + job % 10000))


def own_device(name: str, place: Place) -> torch.device:
    """Return the device of a process. With 'auto' it is the accelerator of its local rank.

    Raises:
        ConfigError: there are too few accelerators, or one is named for several processes.
    """
    alone = place.world_size == 1
    if not alone and ':' in name:
        raise ConfigError(f'--device {name} names one device for {place.world_size} processes: '
                          'give --device auto, each takes its own')
    device = pick_device(name)
    if alone or device.type == 'cpu' or not torch.cuda.is_available():
        return device
    count = torch.cuda.device_count()
    if place.local_size is not None and place.local_size > count:
        raise ConfigError(f'{place.local_size} processes on a machine with {count} accelerators: '
                          f'start it with --nproc_per_node {count}, or with --device cpu')
    # Some schedulers show each process only its own accelerator, as number 0.
    index = place.local_rank % count
    torch.cuda.set_device(index)
    return torch.device(index)


def _first_node(environment: MutableMapping[str, str]) -> str:
    nodes = environment.get('SLURM_JOB_NODELIST') or environment.get('SLURM_NODELIST', '')
    try:
        output = subprocess.run(['scontrol', 'show', 'hostnames', nodes], check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        return output.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        raise ConfigError('--launcher slurm: scontrol does not give the nodes of the job: set '
                          'MASTER_ADDR to the first one') from None


def _meet(device: torch.device) -> 'dist.Store':
    """Wait for the other processes, and return a separate connection to their common store."""
    host, port = os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT'])
    try:
        dist.init_process_group(_backend(device), timeout=PATIENCE)
        store = dist.TCPStore(host, port, None, False)
    except (RuntimeError, ValueError) as error:
        raise UserError(f'the {os.environ["WORLD_SIZE"]} processes do not find each other at '
                        f'{host}:{port} ({one_line(error)}): see docs/multi_gpu.md') from error
    return dist.PrefixStore(f'liveness {os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)}', store)


def _backend(device: torch.device) -> Optional[str]:
    """Return the backend: gloo for the CPU, and torch's choice, NCCL and gloo, for accelerators."""
    return 'gloo' if device.type == 'cpu' else None


def _part_in_error(error: BaseException, liveness: Liveness) -> None:
    """Tell the others about an error. If all have the same one, only process 0 reports it."""
    if _is_about_communication(error):
        liveness.await_verdict()
    if isinstance(error, UserError):
        line, code = one_line(error), 2
    elif isinstance(error, Interrupted):
        line, code = error.message, error.code
    else:
        line, code = f'{type(error).__name__}: {one_line(error)}', None
    with contextlib.suppress(RuntimeError):
        if not liveness.report(line) and code is not None:
            sys.exit(code)


def _is_about_communication(error: Optional[BaseException]) -> bool:
    """Whether an error or one of its causes is a failed operation of several processes."""
    if error is None:
        return False
    if isinstance(error, RuntimeError) and any(word in str(error) for word in COMMUNICATION):
        return True
    return _is_about_communication(error.__cause__)
