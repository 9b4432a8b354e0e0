"""Pipelines of mmseg 0.x in the words of mmseg 1.x.

Normalization and padding are no steps there. The model's ``data_preprocessor`` does them.
"""
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ..errors import ConfigError, nearest

Step = Dict[str, Any]


class Pipeline(NamedTuple):
    """A pipeline of mmseg 1.x.

    Attributes:
        steps: its steps.
        preprocessing: arguments of the ``SegDataPreProcessor`` that its images need.
    """
    steps: List[Step]
    preprocessing: Dict[str, Any]


def training_pipeline(steps: Sequence[Mapping[str, Any]], place: str) -> Pipeline:
    """Convert the pipeline of a training.

    Args:
        place: key of the pipeline in the config, for messages.

    Raises:
        ConfigError: a step has no counterpart.
    """
    preprocessing: Dict[str, Any] = {}
    found: List[Step] = []
    for step in steps:
        found += _converted(step, preprocessing, place)
    if not {'size', 'size_divisor'} & preprocessing.keys():
        crops = [step['crop_size'] for step in found if step['type'] == 'RandomCrop']
        preprocessing.update(dict(size=crops[-1]) if crops else dict(size_divisor=1))
    return Pipeline(found, preprocessing)


def test_pipeline(steps: Sequence[Mapping[str, Any]], place: str, labels: bool) -> Pipeline:
    """Convert the pipeline of a test. Of several views of an image it has the first alone.

    The label is loaded after the image is resized, so predictions are scored at the label's size.
    See :func:`views` for the others.

    Args:
        place: key of the pipeline in the config, for messages.
        labels: whether the label is loaded.

    Raises:
        ConfigError: a step has no counterpart.
    """
    preprocessing: Dict[str, Any] = {}
    found: List[Step] = []
    for step in steps:
        if step['type'] != 'MultiScaleFlipAug':
            found += _converted(step, preprocessing, place)
            continue
        for one in step['transforms']:
            if one['type'] == 'Resize':
                found += _converted(dict(one, img_scale=_scales(step, place)[0]), preprocessing,
                                    place)
            elif one['type'] != 'RandomFlip':
                found += _converted(one, preprocessing, place)
    if labels:
        found.insert(-1, dict(type='LoadAnnotations'))
    return Pipeline(found, preprocessing)


def views(steps: Sequence[Mapping[str, Any]], place: str) -> List[Step]:
    """Return the ``tta_pipeline`` of a test with several views of an image. Empty without them.

    mmseg's test script takes it with ``--tta``. It averages the scores of the views, as mmseg 0.x
    does.

    Raises:
        ConfigError: the views have no counterpart.
    """
    outer = [step for step in steps if step['type'] == 'MultiScaleFlipAug']
    if not outer or not outer[0].get('flip') and len(_scales(outer[0], place)) == 1:
        return []
    resize = next((one for one in outer[0]['transforms'] if one['type'] == 'Resize'), {})
    directions = outer[0].get('flip_direction', 'horizontal')
    flips = [dict(type='RandomFlip', prob=0., direction='horizontal')]
    if outer[0].get('flip'):
        flips += [dict(type='RandomFlip', prob=1., direction=direction) for direction in
                  ([directions] if isinstance(directions, str) else directions)]
    scales = [dict(type='Resize', scale=scale, keep_ratio=resize.get('keep_ratio', True))
              for scale in _scales(outer[0], place)]
    return [dict(type='LoadImageFromFile'),
            dict(type='TestTimeAug', transforms=[
                scales, flips, [dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])]


def _scales(step: Mapping[str, Any], place: str) -> List[Any]:
    """The scales of a ``MultiScaleFlipAug``."""
    scales = step.get('img_scale')
    if scales is None or step.get('img_ratios'):
        raise ConfigError(f'{place}: MultiScaleFlipAug with img_ratios has no counterpart here: '
                          'write tta_pipeline and tta_model by hand')
    return list(scales) if isinstance(scales, list) else [scales]


def _converted(step: Mapping[str, Any], preprocessing: Dict[str, Any], place: str) -> List[Step]:
    """The counterparts of a step. Those without any add to the preprocessing."""
    arguments = dict(step)
    name = arguments.pop('type')
    convert = STEPS.get(name)
    if convert is None:
        raise ConfigError(f'{place}: {name} has no counterpart in mmseg 1.x'
                          f'{nearest(name, STEPS)}')
    converted = convert(name, arguments, preprocessing)
    return [] if converted is None else [converted]


def _same(name: str, arguments: Step, preprocessing: Dict[str, Any]) -> Step:
    return dict(type=name, **arguments)


def _loaded(name: str, arguments: Step, preprocessing: Dict[str, Any]) -> Step:
    arguments.pop('reduce_zero_label', None)  # the data set says it
    return dict(type=name, **arguments)


def _resized(name: str, arguments: Step, preprocessing: Dict[str, Any]) -> Step:
    scale, ratios = arguments.get('img_scale'), arguments.get('ratio_range')
    keep = arguments.get('keep_ratio', True)
    if ratios is not None:
        return dict(type='RandomResize', scale=scale, ratio_range=ratios, keep_ratio=keep)
    if isinstance(scale, list) and len(scale) == 1:
        scale, = scale
    if isinstance(scale, list):
        if arguments.get('multiscale_mode', 'range') == 'value':
            return dict(type='RandomChoiceResize', scales=scale, keep_ratio=keep)
        return dict(type='RandomResize', scale=scale, keep_ratio=keep)
    return dict(type='Resize', scale=scale, keep_ratio=keep)


def _normalized(name: str, arguments: Step, preprocessing: Dict[str, Any]) -> None:
    preprocessing.update(mean=list(arguments['mean']), std=list(arguments['std']),
                         bgr_to_rgb=bool(arguments.get('to_rgb', True)))


def _padded(name: str, arguments: Step, preprocessing: Dict[str, Any]) -> None:
    for key in ('size', 'size_divisor'):
        if arguments.get(key) is not None:
            preprocessing[key] = arguments[key]
    preprocessing.update(pad_val=arguments.get('pad_val', 0),
                         seg_pad_val=arguments.get('seg_pad_val', 255))


def _left_out(name: str, arguments: Step, preprocessing: Dict[str, Any]) -> None:
    return None


def _packed(name: str, arguments: Step, preprocessing: Dict[str, Any]) -> Step:
    return dict(type='PackSegInputs')


#: Steps that keep their names and arguments.
KEPT = ('LoadImageFromFile', 'RandomCrop', 'RandomFlip', 'RandomRotate', 'PhotoMetricDistortion',
        'CLAHE', 'AdjustGamma', 'RGB2Gray', 'Rerange', 'RandomCutOut')
#: Step of mmseg 0.x -> its conversion.
STEPS: Dict[str, Callable[[str, Step, Dict[str, Any]], Optional[Step]]] = {
    **dict.fromkeys(KEPT, _same),
    'LoadAnnotations': _loaded,
    'Resize': _resized,
    'Normalize': _normalized,
    'Pad': _padded,
    'DefaultFormatBundle': _left_out,
    'ImageToTensor': _left_out,
    'Collect': _packed,
}
