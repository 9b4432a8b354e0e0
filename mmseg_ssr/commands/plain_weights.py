"""Copy the weights of a file alone, so that reading them can run no code.

    mmseg-ssr plain-weights mae_pretrain_vit_base.pth mae_plain.pth --trust

Some published files hold Python objects beside their weights, such as the options of the training.
Reading these can run any code in the file, so all other commands refuse them.
"""
from typing import List, Optional

from torch import Tensor

from ..engine.checkpoint.files import read_checkpoint, write_checkpoint
from ..errors import CheckpointError, cli
from .options import command_parser


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = command_parser(__doc__)
    parser.add_argument('file', help='file of weights')
    parser.add_argument('output', help='file to write')
    parser.add_argument('--trust', action='store_true',
                        help='read the file even if it could run code, because you know its source')
    args = parser.parse_args(argv)
    content = read_checkpoint(args.file, args.trust)
    for key in ('state_dict', 'model'):
        if isinstance(content.get(key), dict):
            content = content[key]
    weights = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not weights:
        raise CheckpointError(f'{args.file} holds no weights')
    write_checkpoint(dict(state_dict=weights), args.output)
    print(f'{len(weights)} tensors of {args.file} are in {args.output}')
