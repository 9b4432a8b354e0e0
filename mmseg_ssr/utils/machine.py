"""Descriptions of the machine and of installed versions, for reports."""
import os
import platform
import time
from typing import Any, Dict

import torch

from .versions import installed_versions

#: Packages whose versions matter to speed, by their names in a package index.
PACKAGES = ('torch', 'torchvision', 'numpy', 'mmcv-full', 'mmcv', 'mmsegmentation', 'timm',
            'segment-anything', 'transformers', 'triton', 'opencv-python-headless')


def describe_machine(device: torch.device) -> Dict[str, Any]:
    """Describe processor, cores, memory, current load, and the accelerator if ``device`` is one."""
    described = dict(
        processor=processor_name(), cores=len(os.sched_getaffinity(0)) if hasattr(
            os, 'sched_getaffinity') else os.cpu_count(),
        vector_instructions=torch.backends.cpu.get_cpu_capability(),
        memory_bytes=memory_bytes(), system=platform.platform(), load=os.getloadavg()[0])
    if device.type != 'cpu':
        module = torch.get_device_module(device)
        described['accelerator'] = module.get_device_name(device)
        described['accelerator_memory_bytes'] = module.get_device_properties(device).total_memory
    return described


def processor_name() -> str:
    """Return the system's name of the processor."""
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            for line in file:
                if line.startswith('model name'):
                    return line.split(':', 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_bytes() -> int:
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')


def describe_versions() -> Dict[str, str]:
    """Return the versions of Python and of the installed :data:`PACKAGES`."""
    return installed_versions(PACKAGES)


def timestamp() -> str:
    """Return date and time in UTC, ISO 8601."""
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
