"""Write a config of this package for mmseg 0.x in the words of mmseg 1.x.

    mmseg-ssr migrate configs/sam/daformer_sam_vit_b.py daformer_sam_vit_b_mmseg1.py

mmseg 1.x trains the written file with its own tools/train.py. The exit code is 2 if a part of the
config has no counterpart. The line says which. docs/mmseg1.md says what changes.
"""
import argparse
from typing import List, Optional

from ..errors import ConfigError, cli
from ..host import Config
from ..migration.to_mmseg1 import to_mmseg1
from ..utils.atomic_file import write_atomic


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file for mmseg 0.x')
    parser.add_argument('output', help='file to write')
    args = parser.parse_args(argv)
    try:
        sections = Config.fromfile(args.config)
    except (OSError, SyntaxError, KeyError) as error:
        raise ConfigError(f'config {args.config} cannot be read: {error}') from error
    if 'train_dataloader' in sections:
        raise ConfigError(f'{args.config} is a config of mmseg 1.x already')
    write_atomic(args.output, Config(to_mmseg1(sections)).pretty_text.encode())
    print(f'{args.output} is {args.config} for mmseg 1.x')
