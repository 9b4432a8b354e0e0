"""A recorded training, run again by this package's own builder, runner and step."""
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

import torch
from torch import Tensor, nn

import mmseg_ssr
from mmseg_ssr.host import SEGMENTORS, ConfigDict

from . import door
from .cases import Case
from .fill import fill_module, filled, shapes_of
from .published_names import named_networks, parameter_name, regularizer_name
from .recorded_draws import RecordedDraws, recorded_draws


@dataclass(frozen=True)
class Mode:
    """A way to run the same training.

    Attributes:
        options: arguments of the method besides the case's.
        only_start: only the losses of iteration 0 are compared, to what bf16 allows.
        stock: mmseg's own way, a plain segmentor and mmcv's optimizer hook, instead of a method.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    only_start: bool = False
    stock: bool = False


MODES = {
    'sequential': Mode(),
    'joint': Mode(options=dict(joint_views=True)),
    'compiled': Mode(options=dict(joint_views=True, compile=True)),
    'bf16': Mode(options=dict(amp=dict(dtype='bfloat16')), only_start=True),
}
#: For cases without a method. mmseg 1.x makes this step by itself.
STOCK = {'stock': Mode(stock=True)} if mmseg_ssr.LINE == 0 else {}


def modes_of(case: Case) -> Dict[str, Mode]:
    return MODES if 'uda' in case.config else {**MODES, **STOCK}


class TrainingRun:
    """The runner of a case, ready for iteration 0, and what it computes on the way.

    Attributes:
        model: the method, or the plain segmentor.
        parameters: trained parameters by their published names.
        teacher_logits, contexts, enhanced: results of the teacher, of the frozen encoder and of
            the regularizer, in the order of the calls; :meth:`iterations` clears them.
    """

    def __init__(self, case: Case, mode: Mode):
        torch.compiler.reset()  # what was compiled for the sizes of another case
        self.case, self.mode = case, mode
        self.model = build_model(case, mode)
        fill_model(self.model, case.seed)
        self.parameters = {parameter_name(n): p for n, p in self.model.named_parameters()}
        self.optimizer = door.optimizer_of(self.model, case.facts['optimizer'])
        self.draws: Optional[RecordedDraws] = None
        if hasattr(self.model, 'draws'):
            self.draws = self.model.draws = recorded_draws(case)
        self.teacher_logits: List[Tensor] = []
        self.contexts: List[Tensor] = []
        self.enhanced: List[List[Tensor]] = []
        self._watch()

    def iterations(self) -> Iterator[Dict[str, float]]:
        """Run one iteration after the other; yields each one's log."""
        count = 1 if self.mode.only_start else self.case.facts['iterations']
        for log in door.train(self.model, self.optimizer, self.case.facts['lr_config'],
                              self.case.facts['max_iters'], [self._batch(i) for i in range(count)],
                              self.mode.stock):
            yield log
            for results in (self.teacher_logits, self.contexts, self.enhanced):
                results.clear()

    def groups(self) -> List[List[Any]]:
        """[published name, learning rate, weight decay] of the optimizer's groups."""
        names = {id(p): name for name, p in self.parameters.items()}
        return [[names[id(p)], group['lr'], group['weight_decay']]
                for group in door.groups_of(self.optimizer) for p in group['params']]

    def _batch(self, iteration: int) -> Dict[str, Any]:
        """The tensors of an iteration by their names in mmseg 0.x."""
        names = dict(img='src_img', gt_semantic_seg='src_label')
        if not self.mode.stock:
            names.update(target_img='trg_img', valid_pseudo_mask='valid_pseudo_mask')
        batch: Dict[str, Any] = {key: self.case.tensor(name)[iteration]
                                 for key, name in names.items() if name in self.case}
        return batch

    def _watch(self) -> None:
        networks = named_networks(self.model)
        if 'ema_model.' in networks:
            keep_results(networks['ema_model.'], 'encode_decode', self.teacher_logits.append)
        regularizer = getattr(self.model, 'regularizer', None)
        if regularizer is not None:
            regularizer.encoder.register_forward_hook(partial(keep_output, self.contexts))
            regularizer.register_forward_hook(partial(keep_output, self.enhanced))


def build_model(case: Case, mode: Mode) -> nn.Module:
    """The method of a case's config, built as a training builds it; a plain segmentor if stock."""
    if mode.stock:
        return SEGMENTORS.build(ConfigDict(case.config['model']))
    uda = dict(own_options(case.config.get('uda') or dict(type='DACS', source_only=True)))
    return door.build_method(dict(deepcopy(case.config), uda={**uda, **mode.options}), case.seed)


def own_options(uda: Dict[str, Any]) -> Dict[str, Any]:
    """A case's ``uda`` with its small random SAM said in the words of this package."""
    uda = deepcopy(uda)
    small = uda.pop('sam_tiny_cfg', None)
    input_size = uda.pop('sam_input_size', None)
    channels = uda.pop('ssr_embed_dims', None)
    if small is not None:
        variant = uda.pop('sam_model_registry')
        img_size = small.pop('img_size')
        assert input_size in (None, [img_size, img_size]), input_size
        uda['regularizer'] = dict(
            encoder=dict(variant=variant, checkpoint=None, input_size=img_size,
                         encoder_args=small),
            channels=channels, stages=uda.pop('stop_stage', list(range(len(channels)))))
    return uda


def fill_model(model: nn.Module, seed: int) -> None:
    """Fill the student and every network beside it."""
    for prefix, network in named_networks(model).items():
        fill_module(network, seed, prefix)
    if getattr(model, 'regularizer', None) is not None:
        state = model.regularizer.state_dict()
        names = {name: regularizer_name(name) for name in state}
        model.regularizer.load_state_dict(filled(seed, names, shapes_of(state)))


def keep_output(results: List[Any], module: nn.Module, inputs: Any, output: Any) -> None:
    """Forward hook."""
    results.append(output)


def keep_results(owner: object, method: str, keep: Callable[[Any], None]) -> None:
    """Let ``owner``'s ``method`` pass its results to ``keep`` as well."""
    original = getattr(owner, method)

    def watched(*args, **kwargs):
        result = original(*args, **kwargs)
        keep(result)
        return result

    setattr(owner, method, watched)
