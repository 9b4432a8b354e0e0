import torch

from mmseg_ssr.utils.machine import describe_machine, describe_versions, timestamp


def test_machine_and_versions_are_told():
    machine = describe_machine(torch.device('cpu'))
    assert machine['processor'] and machine['cores'] >= 1 and machine['memory_bytes'] > 2 ** 28
    assert 'accelerator' not in machine
    versions = describe_versions()
    assert versions['torch'].startswith(torch.__version__.split('+')[0])
    assert {'python', 'numpy', 'timm'} <= set(versions) and 'missing' not in versions
    assert timestamp().endswith('Z')
