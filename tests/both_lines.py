"""Three iterations of methods through the installed line of mmseg, in numbers that can be written.

Run as a program, it records them: ``python tests/both_lines.py [FILE]``. Do so with mmseg 0.x
alone, so that mmseg 1.x is compared with numbers that are not its own. ``make mmseg1`` makes a
record of its machine first. Tests read it by the environment variable ``BOTH_LINES_RECORD``.
"""
import json
import logging
import os
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any, Callable, Dict, List

import torch
from torch import Tensor

import mmseg_ssr
from mmseg_ssr.host import SEGMENTORS
from mmseg_ssr.uda.student import segmentation_logits

SHIPPED = Path(__file__).parent / 'data' / 'both_lines.json'
RECORD = Path(os.environ.get('BOTH_LINES_RECORD', SHIPPED))
#: Integers of 0..255 are normalized without rounding.
MEAN, STD = 128., 64.
NORM = dict(type='BN', requires_grad=True)
SAM = dict(checkpoint=None, input_size=32, encoder_args=dict(
    embed_dim=12, depth=2, num_heads=2, window_size=2, global_attn_indexes=[1], out_chans=16))


def head(widths: List[int]) -> dict:
    return dict(
        type='DAFormerHead', in_channels=widths, in_index=[0, 1, 2, 3], channels=16,
        dropout_ratio=0.1, num_classes=19, norm_cfg=NORM, align_corners=False,
        decoder_params=dict(
            embed_dims=16, embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            fusion_cfg=dict(type='aspp', sep=True, dilations=(1, 6), pool=False,
                            act_cfg=dict(type='ReLU'), norm_cfg=NORM)))


MIT = dict(type='EncoderDecoder', backbone=dict(type='mit_b0'),
           decode_head=head([32, 64, 160, 256]), train_cfg=dict(), test_cfg=dict(mode='whole'))
HRDA = dict(MIT, type='HRDAEncoderDecoder', scales=[1, 0.5], hr_crop_size=[32, 32],
            crop_coord_divisible=8, decode_head=dict(
                head([32, 64, 160, 256]), type='HRDAHead', single_scale_head='DAFormerHead',
                attention_embed_dim=16, hr_loss_weight=0.1))
MMSEG = dict(
    type='EncoderDecoder', train_cfg=dict(), test_cfg=dict(mode='whole'),
    backbone=dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1],
                  num_heads=[1, 2, 5, 8], drop_path_rate=0.1),
    decode_head=dict(type='SegformerHead', in_channels=[8, 16, 40, 64], in_index=[0, 1, 2, 3],
                     channels=16, num_classes=19, norm_cfg=NORM, align_corners=False),
    auxiliary_head=dict(type='FCNHead', in_channels=40, in_index=2, channels=8, num_convs=1,
                        num_classes=19, norm_cfg=NORM, loss_decode=dict(
                            type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)))
DAFORMER = dict(
    type='DACS', alpha=0.9, pseudo_threshold=0.0973, max_iters=3, seed=5,
    imnet_feature_dist_lambda=0.005, imnet_feature_dist_scale_min_ratio=0.75,
    imnet_feature_dist_classes=[6, 7, 11, 12, 13, 14, 15, 16, 17, 18])
MIC = dict(mask_mode='separatetrgaug', mask_lambda=1,
           mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=16))
CASES: Dict[str, dict] = {
    'ssr_mic': dict(DAFORMER, **MIC, type='SSR', regularizer=dict(encoder=SAM), model=MIT),
    'mic_hrda': dict(DAFORMER, **MIC, model=HRDA),
    'mmsegs_own_networks': dict(DAFORMER, type='SSR', regularizer=dict(encoder=SAM), model=MMSEG),
    'max_square': dict(type='MaxSquare', lambda_max_square=0.1, max_iters=3,
                       model=MMSEG),
}


def images(random: torch.Generator) -> Dict[str, Tensor]:
    """Two images of 64 x 64 per domain in 0..255, labels in patches of 32 x 32, a mask."""
    patches = torch.randint(0, 19, (2, 1, 2, 2), generator=random)
    label = patches.repeat_interleave(32, 2).repeat_interleave(32, 3)
    label[:, :, :4] = 255
    mask = torch.ones(2, 1, 64, 64, dtype=torch.uint8)
    mask[:, :, -8:] = 0
    img, target = torch.randint(0, 256, (2, 2, 3, 64, 64), generator=random, dtype=torch.uint8)
    return dict(img=img, label=label, target=target, mask=mask)


def stepper(method: torch.nn.Module) -> Callable[[Dict[str, Tensor]], Dict[str, float]]:
    """A function that trains the method on a batch, as the runner of its line does."""
    optimizer = torch.optim.AdamW(method.parameters(), lr=1e-3)
    if mmseg_ssr.LINE == 0:
        metas = [dict(img_norm_cfg=dict(mean=[MEAN] * 3, std=[STD] * 3))] * 2
        return lambda batch: method.train_step(dict(
            img=(batch['img'] - MEAN) / STD, img_metas=metas, gt_semantic_seg=batch['label'],
            target_img=(batch['target'] - MEAN) / STD, target_img_metas=metas,
            valid_pseudo_mask=batch['mask']), optimizer)['log_vars']
    from mmengine.optim import OptimWrapper
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample
    method.saves_state = True
    wrapper = OptimWrapper(optimizer)

    def step(batch: Dict[str, Tensor]) -> Dict[str, float]:
        source = [SegDataSample(gt_sem_seg=PixelData(data=one)) for one in batch['label']]
        target = [SegDataSample(valid_pseudo_mask=PixelData(data=one)) for one in batch['mask']]
        return method.train_step(dict(
            inputs=list(batch['img']), data_samples=source,
            target=dict(inputs=list(batch['target']), data_samples=target)), wrapper)

    return step


def numbers(name: str) -> Dict[str, Any]:
    """What three iterations of a case log, and sums over the weights and logits after them."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = deepcopy(CASES[name])
    if mmseg_ssr.LINE == 1:
        config['data_preprocessor'] = dict(
            type='SegDataPreProcessor', mean=[MEAN] * 3, std=[STD] * 3, size=(64, 64))
    method = SEGMENTORS.build(config)
    method.init_weights()
    method.train()
    step, random = stepper(method), torch.Generator().manual_seed(1)
    torch.manual_seed(2)
    logs = []
    for _ in range(3):
        log = step(images(random))
        logs.append({key: written(value) for key, value in sorted(log.items())})
    method.eval()
    img = (images(random)['img'] - MEAN) / STD
    return dict(
        logs=logs, names=len(method.state_dict()),
        weights=written(sum(p.detach().double().abs().sum() for p in method.parameters())),
        logits=written(segmentation_logits(method.model, img).double().abs().sum()))


def written(value: Any) -> str:
    """A number to the bit."""
    return float(value).hex()


def machine() -> Dict[str, str]:
    """What decides about the last bits: torch, and the kind of processor."""
    cpu = dict(line.split(':', 1) for line in Path('/proc/cpuinfo').read_text().splitlines()
               if ':' in line)
    kind = {key.strip(): value.strip() for key, value in cpu.items()}
    return dict(torch=str(torch.__version__), cpu=torch.backends.cpu.get_cpu_capability(),
                **{key: kind.get(key, '') for key in ('vendor_id', 'cpu family', 'model')})


if __name__ == '__main__':
    assert mmseg_ssr.LINE == 0, 'record with mmseg 0.x'
    logging.disable(logging.INFO)
    Path(*sys.argv[1:] or [SHIPPED]).write_text(json.dumps(dict(machine=machine(), **{
        name: numbers(name) for name in CASES}), indent=1) + '\n')
