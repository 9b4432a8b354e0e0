"""Draw the views of one iteration on two images of Streets, for docs/method.md.

The step's own functions make the views. There is no network: the true label of the target image
replaces the teacher's pseudo-label.
"""
import argparse
import sys
from pathlib import Path
from typing import List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2
import torch
from PIL import Image
from torch import Tensor

import mmseg_ssr  # noqa: F401
from mmseg_ssr.errors import cli
from mmseg_ssr.labels.cityscapes import CLASSES, PALETTE
from mmseg_ssr.labels.conversion import train_id_table
from mmseg_ssr.streets.layouts import SOURCE_TRAIN, TARGET_TRAIN, Split
from mmseg_ssr.streets.writer import draw_sample
from mmseg_ssr.uda import BlockMask, Draws, StrongAugmentation, class_mix_masks, mix
from mmseg_ssr.utils.atomic_file import atomic_path
from mmseg_ssr.visualization import Panel, colorize, draw_panels
from mmseg_ssr.visualization.views import restored

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
STD = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
#: MIC's share of hidden blocks, and their side in pixels of these small images.
MASK_RATIO, BLOCK = 0.7, 32


def sample(split: Split, size: Tuple[int, int], seed: int) -> Tuple[Tensor, Tensor]:
    """Draw a normalized image, 1 x 3 x H x W, and its train ids, 1 x 1 x H x W."""
    picture, raster = draw_sample(split, 0, size, seed)
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    label = torch.from_numpy(cv2.LUT(raster.labels, train_id_table()))
    return (image - MEAN) / STD, label[None, None].long()


def panels(size: Tuple[int, int], seed: int) -> List[Panel]:
    """Image and label of source, target, mixed and masked view, in the order of the step."""
    source, source_label = sample(SOURCE_TRAIN, size, seed)
    target, target_label = sample(TARGET_TRAIN, size, seed)
    draws, augmentation = Draws(seed), StrongAugmentation()
    chosen = class_mix_masks(source_label, draws)
    mixed = augmentation(mix(chosen, source, target), MEAN, STD, draws)
    masked = BlockMask(MASK_RATIO, BLOCK)(augmentation(target, MEAN, STD, draws), draws)
    views = {
        'source view': (source, source_label),
        'target, pseudo-label': (target, target_label),
        'mixed view': (mixed, mix(chosen, source_label, target_label)),
        'masked view': (masked, target_label)}
    return [Panel(name, [restored(image[0].numpy(), MEAN.numpy(), STD.numpy()),
                         colorize(label[0, 0].numpy(), PALETTE)])
            for name, (image, label) in views.items()]


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=ROOT / 'docs/images/method_views.jpg',
                        help='file to write (default: docs/images/method_views.jpg)')
    parser.add_argument('--size', type=int, nargs=2, default=(512, 256),
                        metavar=('WIDTH', 'HEIGHT'), help='size of the images in pixels')
    parser.add_argument('--seed', type=int, default=3,
                        help='seed of the images and of all random choices')
    args = parser.parse_args(argv)
    picture = draw_panels(panels(tuple(args.size), args.seed), CLASSES, PALETTE,
                          tile_width=320)
    with atomic_path(args.out, ending=args.out.suffix) as part:
        Image.fromarray(picture).save(part, quality=85)
    print(args.out)


if __name__ == '__main__':
    main()
