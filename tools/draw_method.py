"""Draw the figures of docs/method.md: the architecture, and one step of the training."""
import argparse
from pathlib import Path
from typing import Callable, Dict, List, Optional

from drawing import AVERAGE, ROOT, Drawing

from mmseg_ssr.errors import cli


def architecture() -> Drawing:
    """Draw backbone, frozen encoder, projections, attentions and the one head."""
    sheet = Drawing(120, 60)
    stages = [18 + 15.5 * i for i in range(4)]
    sheet.box(0.5, 5, 10.5, 9, 'image\n512 x 512', 'data')
    _encoder(sheet)
    sheet.frame(12.5, 21.5, 67, 18, 'regularization\nin training only', 'branch')
    sheet.frame(12.5, 3.5, 67, 15, 'backbone\nMiT-B5', 'trained')
    for i, (left, width) in enumerate(zip(stages, (64, 128, 320, 512))):
        sheet.box(left, 31.5, 13.5, 6, f'linear, 256 to {width}', 'branch', 9)
        sheet.box(left, 23, 13.5, 6, f'cross-attention\n{(1, 2, 5, 8)[i]} head{"s" if i else ""},'
                  ' plus query', 'branch', 9)
        sheet.box(left, 5, 13.5, 12, f'stage {i + 1}\n{width} x {128 >> i} x {128 >> i}', 'trained')
        middle = left + 6.75
        sheet.arrow([(middle, 44), (middle, 37.7)], 'forward')
        sheet.arrow([(middle, 31.5), (middle, 29.2)])
        sheet.arrow([(middle, 17), (middle, 22.8)])
        sheet.text(middle + 0.6, 20, f'query $f_{i + 1}$', 9, ha='left')
        sheet.text(middle + 0.6, 30.3, 'key, value', 8.5, ha='left')
    for left in stages[:-1]:
        sheet.arrow([(left + 13.5, 11), (left + 15.3, 11)])
    sheet.arrow([(11, 6.4), (17.8, 6.4)], 'forward')
    _heads(sheet)
    sheet.legend(
        dict(gradient='forward, and gradients back', forward='forward only'),
        dict(trained='what remains at inference (the shadow branch)',
             branch='trained, then dropped', frozen='frozen'), 0.028)
    return sheet


def _encoder(sheet: Drawing) -> None:
    sheet.box(18, 53, 17, 6, 'the same image, resized\nto 1024 x 1024', 'frozen', 9)
    sheet.box(40, 53, 21, 6, 'image encoder of SAM (ViT-B)\nno gradient, not saved', 'frozen', 9)
    sheet.box(18, 44, 60, 5.5, 'map $s$ of the frozen encoder, 256 x 64 x 64', 'frozen')
    sheet.arrow([(5.7, 14), (5.7, 56), (17.8, 56)], 'forward')
    sheet.arrow([(35, 56), (39.8, 56)], 'forward')
    sheet.arrow([(50.5, 53), (50.5, 49.7)], 'forward')


def _heads(sheet: Drawing) -> None:
    sheet.box(89, 3.5, 11, 36, 'decode head\n(DAFormer)\n\none head,\nthe same\nweights\nfor both',
              'trained')
    for y, text in ((30.5, r'$\hat f_1 \ldots \hat f_4$'), (11, r'$f_1 \ldots f_4$')):
        sheet.arrow([(79.5, y), (88.8, y)])
        sheet.text(84, y + 1.8, text, 10)
        sheet.arrow([(100, y), (104.3, y)])
    sheet.box(104.5, 25.5, 14.5, 10, 'loss of the\nregularized\nprediction', 'loss')
    sheet.box(104.5, 6, 14.5, 10, 'loss of the\nshadow\nprediction', 'loss')


def training_step() -> Drawing:
    """Draw the step from a source and a target image to the views and their losses."""
    sheet = Drawing(120, 60)
    sheet.box(1, 45, 15, 10, 'source image\nand label', 'data')
    sheet.box(1, 10, 15, 10, 'target image\n(no label)', 'data')
    sheet.box(21, 21, 15, 9, 'teacher\nweights $\\phi$', 'average')
    sheet.box(41, 21, 16, 9, 'pseudo-label,\nweight $q$ of its pixels', 'data', 9)
    sheet.box(41, 35, 16, 9, 'ClassMix, then\ncolor jitter and blur', 'operation', 9)
    sheet.box(41, 7, 16, 9, 'color jitter, blur,\nblocks hidden', 'operation', 9)
    for bottom, name in ((45.5, 'source view'), (35, 'mixed view'), (7, 'masked view\n(MIC)')):
        sheet.box(63, bottom, 13, 9, name, 'data')
    _into_views(sheet)
    sheet.box(82, 5.5, 12, 50, 'student\nweights $\\theta$\n\nall views:\nshadow\nbranch\n\n'
              'source and\nmixed view:\nregulari-\nzation\nbranch too', 'trained')
    _losses(sheet)
    sheet.arrow([(82, 32.4), (28.5, 32.4), (28.5, 30.2)], 'average')
    sheet.text(70, 30.3, r'before each step: $\phi \leftarrow \alpha \phi + (1 - \alpha) \theta$',
               9.5, color=AVERAGE)
    sheet.legend(
        dict(gradient='forward, and gradients back', forward='forward only',
             average='moving average'),
        dict(trained='trained by the losses', average='teacher', loss='losses, added up'), 0.035)
    return sheet


def _into_views(sheet: Drawing) -> None:
    """Draw the lines from the data to the three views, which carry no gradient."""
    for points in (
            [(16, 50), (62.8, 50)],                              # source view
            [(16, 47), (19, 47), (19, 41.5), (40.8, 41.5)],      # classes to paste
            [(16, 17.5), (18.5, 17.5), (18.5, 37.5), (40.8, 37.5)],  # target to paste on
            [(18.5, 25.5), (20.8, 25.5)],                        # target to the teacher
            [(36, 25.5), (40.8, 25.5)],  # the teacher's labels
            [(49, 30), (49, 34.8)],                              # labels of the mixed image
            [(16, 11.5), (40.8, 11.5)],                          # target to mask
            [(57, 25.5), (69.5, 25.5), (69.5, 16.2)],            # labels of the masked image
            [(57, 39.5), (62.8, 39.5)], [(57, 11.5), (62.8, 11.5)]):
        sheet.arrow(points, 'forward')
    for y in (50, 39.5, 11.5):
        sheet.arrow([(76, y), (81.8, y)], 'forward')
    sheet.text(30, 42.8, 'half of the classes', 8.5)
    sheet.text(30, 38.7, 'what they are pasted on', 8.5)


def _losses(sheet: Drawing) -> None:
    boxes = (
        (45.2, 9.6, 'shadow, regularized\nand feature distance'),
        (34.7, 9.6, 'shadow and regularized,\nweighted by $q$'),
        (6.7, 9.6, 'shadow,\nweighted by $q$'))
    for bottom, height, text in boxes:
        sheet.box(99.5, bottom, 19.5, height, text, 'loss', 9)
        sheet.arrow([(94, bottom + height / 2), (99.3, bottom + height / 2)])


FIGURES: Dict[str, Callable[[], Drawing]] = dict(
    method_architecture=architecture, method_step=training_step)


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / 'images',
                        help='folder of the figures (default: docs/images)')
    args = parser.parse_args(argv)
    for name, draw in FIGURES.items():
        draw().save(args.out / f'{name}.png')
        print(args.out / f'{name}.png')


if __name__ == '__main__':
    main()
