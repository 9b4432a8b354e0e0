"""Make the frozen encoder's maps of all training images once, so that trainings run no encoder.

    mmseg-ssr encoder-maps CONFIG

The config's data sets say where: data.train.source.encoder_maps='FOLDER', and the same for the
target. A map of SAM at 1024 pixels takes 2 MB, at 512 pixels 0.5 MB. Maps that exist are kept.
A training in one process makes those that are missing by itself.
"""
from functools import partial
from typing import List, Optional

from ..engine import whole_image_maps
from ..engine.config.load import load_config
from ..engine.config.validate import validate
from ..errors import cli
from ..utils.device import pick_device
from .options import cfg_options, command_parser, device_option


@cli
def main(argv: Optional[List[str]] = None) -> None:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config of a training with a frozen encoder')
    device_option(parser)
    cfg_options(parser)
    args = parser.parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    validate(cfg)
    count = whole_image_maps.make(cfg, pick_device(args.device), partial(print, flush=True))
    print(f'{count} new maps in all')
