"""The recorded training of case 23, run again by this project's own builder and step."""
from typing import Any, Dict, Sequence

import numpy as np
import timm
import torch
from mmcv import Config
from parity.cases import Case
from parity.fill import fill
from torch import Tensor

from mmseg_ssr.engine.build import build_training_model
from mmseg_ssr.engine.config import load_config
from mmseg_ssr.engine.training.optimizer import build_optimizer
from mmseg_ssr.uda import Batch
from mmseg_ssr.uda.view_record import recorded_views

from .cases import ROOT, published
from .recorded_draws import RecordedDraws

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
#: The shipped network. The case has its sizes, the rest, such as its batch norms, is tested.
MODEL = str(ROOT / 'configs' / '_base_' / 'models' / 'vfmudapp_dinov2_s.py')
#: Published name of the distance's projection, and of the frozen model.
PROJECTION = ('foundation_distance.projection.', 'network_feature_head.feat_project.')
FROZEN = 'network_feature_extractor.encoder.'
#: Log names -> ours.
LOG = {'train_loss_source': 'decode.loss_ce', 'train_loss_mix': 'mix.decode.loss_ce',
       'loss_masked': 'masked.decode.loss_ce', 'fd_source': 'distance_source.loss_foundation',
       'fd_target': 'distance_target.loss_foundation'}


class Affine:
    """The fixed function that stands for an augmentation in the recorded training."""

    def __init__(self, text: str):
        factor, _, shift = text.partition(' x + ')
        self.factor, self.shift = float(factor), float(shift)

    def __call__(self, img: Tensor, mean: Tensor, std: Tensor, draws: Any) -> Tensor:
        image = (img * std + mean) / 255
        return ((self.factor * image + self.shift) * 255 - mean) / std


class VFMRun:
    """The method of the case, ready for iteration 0."""

    def __init__(self, case: Case, frozen_file: str, **uda: Any):
        self.case, self.facts = case, case.facts['config']
        torch.save(self.frozen_weights(), frozen_file)
        self.method = build_training_model(self.config(frozen_file, uda), seed=0).train()
        self.load()
        self.draws = self.method.draws = RecordedDraws()
        self.fix_augmentations()
        self.optimizer = build_optimizer(Config(dict(optimizer=self.optimizer_config())),
                                         self.method)
        self.rates = [group['lr'] for group in self.optimizer.param_groups]
        self.parameters = {name_of(name): p for name, p in self.method.named_parameters()}

    def config(self, frozen_file: str, uda: Dict[str, Any]) -> Config:
        """The shipped network in the case's sizes, with its method."""
        facts, vfm = self.facts, self.facts['vfm']
        depth = facts['depth']
        model = load_config(MODEL).model
        model.update(pretrained=None, test_cfg=dict(mode='whole'))
        model.backbone.update(
            model='vit_small_patch14_dinov2', input_size=facts['inner'],
            interaction_indexes=[[i * depth // 4, (i + 1) * depth // 4 - 1] for i in range(4)],
            deform_num_heads=facts['adapter_heads'],
            model_args=dict(embed_dim=facts['embed_dim'], depth=depth,
                            num_heads=facts['vit_heads']))
        model.decode_head.update(
            in_channels=[facts['embed_dim']] * 4, num_classes=facts['num_classes'])
        keys = dict(
            type='DACS', alpha=facts['ema_alpha'], pseudo_threshold=facts['pseudo_threshold'],
            pseudo_label_mirror=True, source_loss_mean='valid', mask_mode='separatetrgaug',
            mask_generator=dict(type='block', mask_ratio=facts['mask_ratio'],
                                mask_block_size=facts['mask_block'], input_size=facts['inner']),
            source_augmentation={}, target_augmentation={}, mix_augmentation={},
            foundation_distance_lambda=facts['fd_weight'],
            foundation_distance_encoder=dict(
                type='timm', model='vit_large_patch14_reg4_dinov2', checkpoint=frozen_file,
                input_size=vfm['size'],
                model_args=dict(embed_dim=vfm['embed_dim'], depth=vfm['depth'],
                                num_heads=vfm['heads'])))
        return Config(dict(model=model, uda={**keys, **uda}, runner=dict(max_iters=3)))

    def optimizer_config(self) -> Dict[str, Any]:
        """AdamW with the published groups for a ViT of this depth."""
        facts, depth = self.facts, self.facts['depth']
        share, decay = facts['lr_multiplier'], facts['layer_decay']
        keys = {f'backbone.vit.blocks.{i}.': dict(lr_mult=share * decay ** (depth - 1 - i))
                for i in range(depth)}
        first = dict(lr_mult=share * decay ** depth)
        keys.update({f'backbone.vit.{name}': first
                     for name in ('cls_token', 'pos_embed', 'patch_embed')})
        base = facts['lr'] * facts['batch'] ** 0.5
        return dict(type='AdamW', lr=base, betas=(0.9, 0.999), eps=1e-8,
                    weight_decay=facts['weight_decay'], paramwise_cfg=dict(custom_keys=keys))

    def frozen_weights(self) -> Dict[str, Tensor]:
        """The foundation model's file: DINOv2 with registers under its published names."""
        facts = self.facts['vfm']
        network = timm.create_model(
            'vit_large_patch14_reg4_dinov2', embed_dim=facts['embed_dim'], depth=facts['depth'],
            num_heads=facts['heads'])
        shapes = {name.replace('reg_token', 'register_tokens'): list(value.shape)
                  for name, value in network.state_dict().items()}
        shapes['pos_embed'][1] += 1  # timm leaves the class token's position out
        shapes['mask_token'] = [1, facts['embed_dim']]
        return {name: self.value(FROZEN + name, shape) for name, shape in shapes.items()}

    def value(self, name: str, shape: Sequence[int]) -> Tensor:
        return torch.from_numpy(fill(self.case.seed, name, tuple(shape)))

    def load(self) -> None:
        student = self.method.model
        state = {name: self.value(published(name), value.shape)
                 for name, value in student.state_dict().items()}
        state['decode_head.conv_seg.weight'] *= 10
        student.load_state_dict(state)
        self.method.teacher.network.load_state_dict(state)
        projection = self.method.foundation_distance.projection
        projection.load_state_dict({name: self.value(PROJECTION[1] + name, value.shape)
                                    for name, value in projection.state_dict().items()})

    def fix_augmentations(self) -> None:
        weak, strong, mixed = (Affine(self.case.facts['augmentation'][name])
                               for name in ('weak', 'strong', 'uda'))
        makers = {maker.name: maker for maker in self.method.view_makers}
        makers['source'].augmentation = strong
        makers['mix'].augmentation, makers['mix'].target_augmentation = mixed, weak
        makers['masked'].augmentation = mixed
        for name in ('distance_source', 'distance_target'):
            makers[name].augmentation = weak

    def batch(self, iteration: int) -> Batch:
        """The batch of an iteration, flipped and normalized as a data loader gives it."""
        flips = self.case.facts['flips'][iteration]
        arrays = self.case.arrays
        source, target, label = (
            torch.from_numpy(arrays[name][iteration]) for name in (
                'source_img', 'target_img', 'source_label'))
        if flips[0]:
            source, label = source.flip(3), label.flip(2)
        if flips[1]:
            target = target.flip(3)
        valid = torch.from_numpy(self.bits('ignore_mask')[iteration]) == 0
        return Batch(self.normalized(source), label.long().unsqueeze(1), MEAN, STD,
                     self.normalized(target), valid)

    def normalized(self, image: Tensor) -> Tensor:
        return (image - MEAN) / STD

    def bits(self, name: str) -> np.ndarray:
        shape = self.case.facts['mix_shape']
        return np.unpackbits(self.case.arrays[name])[:int(np.prod(shape))].reshape(shape)

    def iteration(self, number: int) -> Dict[str, Any]:
        """Run an iteration. Return its log and the record of its pseudo-labels."""
        rate = self.case.arrays['learning_rate'][number, 0]
        base = self.facts['lr'] * self.facts['batch'] ** 0.5
        for group, own in zip(self.optimizer.param_groups, self.rates):
            group['lr'] = own * rate / base
        batch = self.batch(number)
        self.draws.label, self.draws.mix = batch.label, torch.from_numpy(
            self.bits('mix')[number])
        self.draws.grids = self.case.tensor('mask_grid')[number]
        with recorded_views(self.method) as records:
            log = self.method.step(batch, self.optimizer)
        return dict(log, record=records[0])

def name_of(name: str) -> str:
    """The published name of a trained parameter of the method."""
    ours, theirs = PROJECTION
    if name.startswith(ours):
        return theirs + name[len(ours):]
    return published(name.partition('model.')[2])
