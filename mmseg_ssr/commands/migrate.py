"""Write a config of this package for mmseg 0.x in the words of mmseg 1.x.

    mmseg-ssr migrate configs/sam/daformer_sam_vit_b.py daformer_sam_vit_b_mmseg1.py

mmseg 1.x trains the written file with its own tools/train.py. The exit code is 2 if a part of the
config has no counterpart. The line says which. docs/mmseg1.md says what changes.
"""
from functools import partial
from typing import List, Optional

from ..errors import ConfigError, UserError, cli, explained, said
from ..host import Config
from ..migration.to_mmseg1 import to_mmseg1
from ..utils.atomic_file import write_atomic
from ..utils.paths import check_file, config_path
from .options import command_parser


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file for mmseg 0.x')
    parser.add_argument('output', help='file to write')
    args = parser.parse_args(argv)
    path = config_path(args.config)
    check_file(path, 'config file')
    with explained(partial(_meaning, f'config {args.config} cannot be read')):
        sections = Config.fromfile(path)
    if 'train_dataloader' in sections:
        raise ConfigError(f'{args.config} is a config of mmseg 1.x already')
    with explained(partial(_meaning, f'config {args.config} cannot be converted')):
        converted = to_mmseg1(sections)
    write_atomic(args.output, Config(converted).pretty_text.encode())
    print(f'{args.output} is {args.config} for mmseg 1.x')


def _meaning(what: str, error: Exception) -> Optional[ConfigError]:
    """Return the error of a config that Python or mmcv stumbles over, or None for a user error."""
    return None if isinstance(error, UserError) else ConfigError(
        f'{what} ({said(error)}): see that it trains with mmseg 0.x')
