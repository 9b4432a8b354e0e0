"""Time, memory and operations of a call, and the loop of a process that measures on request.

This module imports torch and nothing of this package, because a process whose ``mmseg`` belongs
to a published implementation loads it too (:mod:`mmseg_ssr.benchmark.reference`).
"""
import ctypes
import gc
import resource
import sys
import time
import traceback
from contextlib import suppress
from math import prod
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)


class Measurement(NamedTuple):
    """Wall-clock seconds of a call, and bytes of memory before the turn and at its peak.

    On an accelerator these are bytes of allocated tensors. On a CPU they are the resident memory
    of the process with all its libraries.
    """
    seconds: float
    rest_bytes: int
    peak_bytes: int


class Workload:
    """Work that is run repeatedly in its own process.

    Attributes:
        settling: untimed calls before each turn on a CPU. They fetch the memory that was given back
            after the last turn (:func:`give_back_memory`), as a training does only once.
    """

    settling = 0

    def warm_up(self) -> Dict[str, Any]:
        """Run without timing. The returned facts are kept beside the times."""
        self.run()
        return {}

    def run(self) -> Any:
        """Run once. This call is timed."""
        raise NotImplementedError

    def finish(self) -> Dict[str, Any]:
        """Give further facts, found after the timing."""
        return {}


#: Untimed calls after which a network has the memory that it needs: the first two still fetch some.
SETTLED = 2


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type != 'cpu':
        torch.get_device_module(device).synchronize(device)


def measure(run: Callable[[], Any], device: torch.device, calls: int = 1,
            settling: int = 0) -> Measurement:
    """Measure the mean over some calls in a row. The clock stops when the device has finished.

    ``settling`` is the number of untimed calls before them on a CPU. The peak is that of all.
    """
    gc.collect()
    synchronize(device)  # an accelerator has no statistics before its first use
    reset_peak(device)
    rest = memory_now(device)
    for _ in range(settling if device.type == 'cpu' else 0):
        run()
    start = time.perf_counter()
    for _ in range(calls):
        run()
    synchronize(device)
    seconds = (time.perf_counter() - start) / calls
    return Measurement(seconds, rest, memory_peak(device))


def reset_peak(device: torch.device) -> None:
    """Restart the measurement of the peak. Outside Linux the peak is that of the whole process."""
    if device.type != 'cpu':
        torch.get_device_module(device).reset_peak_memory_stats(device)
        return
    with suppress(OSError), open('/proc/self/clear_refs', 'w') as file:
        file.write('5')


def memory_now(device: torch.device) -> int:
    """Bytes in use."""
    if device.type != 'cpu':
        return torch.get_device_module(device).memory_allocated(device)
    return _process_status('VmRSS') or 0


def memory_peak(device: torch.device) -> int:
    """Most bytes in use since :func:`reset_peak`."""
    if device.type != 'cpu':
        return torch.get_device_module(device).max_memory_allocated(device)
    peak = _process_status('VmHWM')
    if peak is not None:
        return peak
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def library_memory() -> int:
    """Resident bytes of libraries and other files, which processes share. 0 if unknown."""
    return _process_status('RssFile') or 0


def give_back_memory() -> None:
    """Return free memory to the system, because the next process in turn may need it."""
    gc.collect()
    with suppress(AttributeError, OSError):  # works with glibc
        ctypes.CDLL(None).malloc_trim(0)


def _process_status(key: str) -> Optional[int]:
    with suppress(OSError), open('/proc/self/status') as file:
        for line in file:
            if line.startswith(key + ':'):
                return int(line.split()[1]) * 1024
    return None


def serve(connection: Any, build: Callable[[torch.device], Workload], device: str, threads: int,
          expected: Tuple[type, ...] = ()) -> None:
    """Answer requests until the other side hangs up.

    A request is ``('build', )``, ``('measure', calls)`` or ``(name of a method of Workload, )``. An
    answer is ``(None, value)`` or ``(error message, None)``, in plain types. The traceback of an
    error that is not ``expected`` goes to standard error.
    """
    torch.set_num_threads(threads)
    place = torch.device(device)
    workload = None
    while True:
        try:
            request, *args = connection.recv()
        except EOFError:
            return
        try:
            if request == 'build':
                workload, answer = build(place), None
            elif request == 'measure':
                answer = tuple(measure(workload.run, place, *args, settling=workload.settling))
            else:
                answer = getattr(workload, request)()
            give_back_memory()
            reply = None, answer
        except expected as error:
            reply = str(error), None
        except Exception as error:
            traceback.print_exc()
            reply = f'{type(error).__name__}: {error}', None
        try:
            connection.send(reply)
        except OSError:  # the other side has hung up
            return


def flop_counter() -> FlopCounterMode:
    """Make a context that counts operations. ``get_total_flops()`` gives the sum, inside it too.

    Matrix products, convolutions and attention are counted, nothing else. A multiplication and an
    addition are two operations. Recomputed activations count again. Three things that torch
    2.11 counts wrongly are counted correctly here. Its fused attention on a CPU counts as nothing
    there. So do oneDNN's linear layers. The backward pass of grouped convolutions counts as if
    they had no groups.
    """
    aten = torch.ops.aten
    linear = getattr(torch.ops.mkldnn, '_linear_pointwise', None)
    return FlopCounterMode(display=False, custom_mapping={
        **({linear: _linear} if linear else {}),
        aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
        aten.convolution_backward: _convolution_backward,
    })


def _linear(input: Sequence[int], weight: Sequence[int], *unused: Any, **shapes: Any) -> int:
    return 2 * prod(input) * weight[0]


def _attention(query: Sequence[int], key: Sequence[int], value: Sequence[int], *unused: Any,
               **shapes: Any) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(grad: Sequence[int], query: Sequence[int], key: Sequence[int],
                        value: Sequence[int], *unused: Any, **shapes: Any) -> int:
    return sdpa_backward_flop_count(grad, query, key, value)


def _convolution_backward(grad: Sequence[int], img: Sequence[int], weight: Sequence[int],
                          bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
                          output_padding: Any, groups: int, wanted: Sequence[bool],
                          **shapes: Any) -> int:
    """The gradients of image and weight take a forward pass's operations each."""
    positions = prod((img if transposed else grad)[2:])
    return 2 * grad[0] * positions * prod(weight) * (wanted[0] + wanted[1])
