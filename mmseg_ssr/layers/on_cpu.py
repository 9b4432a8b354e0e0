"""Where layers of this folder may compute in a way of their own."""
import torch
from torch import Tensor


def eager_float32(input: Tensor, weight: Tensor) -> bool:
    """Tell whether a layer computes in float32 on a CPU, and nobody records or transforms it."""
    return (input.device.type == 'cpu' and input.dtype == weight.dtype == torch.float32
            and not torch.is_autocast_enabled('cpu') and not torch.jit.is_tracing()
            and not torch.compiler.is_compiling()
            and not torch._C._are_functorch_transforms_active())
