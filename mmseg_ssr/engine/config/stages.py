"""The stages that SSR enhances, as far as a config tells how many there are."""
import inspect
from typing import Any, Iterator, Mapping, Optional

from mmseg.models.builder import BACKBONES

from ...models.mit import MiT
from .components import registered, shown
from .faults import Fault
from .signatures import parameters
from .values import segmentor_config

#: Keys of backbones with an entry for each map that they give.
MAPS = ('out_indices', 'layers', 'embed_dims')


def stage_faults(cfg: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a list of stages that names other ones than the backbone has."""
    method, segmentor = cfg.get('uda') or {}, segmentor_config(cfg)
    inner = {f'{place}.regularizer.stages': (part.get('regularizer') or {}).get('stages')
             for place, part in (('uda', method), ('model', segmentor))}
    count = number_of_maps(segmentor)
    for place, given in {'uda.stop_stage': method.get('stop_stage'), **inner}.items():
        if given is None:
            continue
        known = f'some of {list(range(count))}' if count else 'numbers of stages, from 0'
        if not given or any(stage < 0 or count and stage >= count for stage in given):
            yield Fault(place, f'{place} must be {known}, got {shown(list(given))}')


def number_of_maps(segmentor: Mapping[str, Any]) -> Optional[int]:
    """Return how many maps the backbone gives, or None if that cannot be read from the config."""
    backbone = segmentor.get('backbone')
    if not isinstance(backbone, Mapping) or segmentor.get('neck'):
        return None
    kind = registered(backbone.get('type'), [BACKBONES])
    if inspect.isclass(kind) and issubclass(kind, MiT):
        kind = MiT  # whose sizes have no widths among their arguments
    accepted = parameters(kind)[0] if kind else {}
    for key in MAPS:
        value = backbone.get(key, accepted[key].default if key in accepted else None)
        if isinstance(value, (list, tuple)):
            return len(value)
    return None
