"""Where a layer computes as torch does, for tests that run it there."""
import torch


def in_16_bits(layer, input):
    with torch.autocast('cpu', dtype=torch.bfloat16):
        return layer(input)


def traced(layer, input):
    return torch.jit.trace(layer, input, check_trace=False)(input)


#: Name -> how a convolution is run there.
ELSEWHERE = {
    'channels_last': lambda conv, input: conv(input.to(memory_format=torch.channels_last)),
    'double': lambda conv, input: conv.double()(input.double()),
    'autocast': in_16_bits,
    'traced': traced,
    'compiled': lambda conv, input: torch.compile(conv, backend='eager')(input),
    'function': lambda conv, input: torch.func.grad(
        lambda each: conv(each).square().sum())(input),
}
