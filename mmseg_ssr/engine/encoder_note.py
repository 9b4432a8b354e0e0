"""The note in a folder of maps: which encoder made them, of which images, loaded in which way."""
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from mmcv import Config
from mmseg.datasets.builder import PIPELINES

from ..datasets.pipelines.encoder_maps import FOLDER
from ..domains.target_pipeline import loads_image, step_name
from ..errors import WRONG_VALUE, ConfigError, MissingFile
from ..regularizer.encoders import ENCODERS
from ..regularizer.sam_encoder import SHIPPED
from ..uda.losses.regularization_keys import encoder_config
from ..utils.atomic_file import write_atomic
from ..utils.paths import read_text
from ..weights import sha256
from .config.signatures import parameters
from .config.values import given, steps_of

NAME = 'encoder.json'
REMEDY = 'make the maps with mmseg-ssr encoder-maps CONFIG'
#: Arguments of loading steps that do not change what an encoder sees.
OF_NO_EFFECT = ('file_client_args', 'to_float32')


def encoder_of(cfg: Config) -> Mapping[str, Any]:
    """Return the config of the encoder that makes the maps."""
    uda = cfg.get('uda') or {}
    found = uda.get('pseudo_label_encoder') or encoder_config(uda)
    if found is None:
        raise ConfigError(f'{cfg.filename}: {FOLDER} need an encoder: set uda.regularizer.encoder '
                          '(SSR) or uda.pseudo_label_encoder, or leave them out')
    return found


def about_encoder(cfg: Config) -> Optional[Dict[str, Any]]:
    """Return what decides the maps of an encoder: its config, and its file's name, size and sum.

    It is None if the file is missing, which other checks tell.
    """
    about = _complete(encoder_of(cfg))
    file = about.get('checkpoint')
    if file in (None, SHIPPED):
        return about
    if not os.path.isfile(file):
        return None
    return dict(about, checkpoint=f'{os.path.basename(file)}, {os.path.getsize(file)} bytes',
                sha256=sha256(file))


def _complete(encoder: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an encoder's config with its class's defaults, as JSON reads it back."""
    named = dict(dict(type=ENCODERS.default), **given(encoder))
    return _with_defaults(named, ENCODERS.get(named['type']))


def _complete_step(step: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the config of a loading step in the same way, without what has no effect."""
    complete = _with_defaults(dict(step, type=step_name(step)), PIPELINES.get(step_name(step)))
    return {key: value for key, value in complete.items() if key not in OF_NO_EFFECT}


def _with_defaults(named: Mapping[str, Any], cls: Optional[type]) -> Dict[str, Any]:
    known = parameters(cls)[0] if cls else {}
    defaults = {name: one.default for name, one in known.items() if one.default is not one.empty}
    return given(json.loads(json.dumps({**defaults, **named})))


def about_images(path: str, config: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what decides the encoder's input: the steps that load images, and their folder.

    The folder is left out if the config has none or several.
    """
    steps = [_complete_step(step) for step in loading_steps(path, config)]
    folder = config.get('img_dir')
    if not isinstance(folder, str):
        return dict(steps=steps)
    return dict(steps=steps,
                images=os.path.realpath(os.path.join(config.get('data_root') or '', folder)))


def write(path: str, config: Mapping[str, Any], encoder: Mapping[str, Any]) -> None:
    """Write the note of a data set's maps. What an older one does not say stays unknown."""
    file = Path(config[FOLDER], NAME)
    images = about_images(path, config)
    if file.is_file():
        known = json.loads(read_text(file, 'note about the encoder of the maps'))
        images = {key: value for key, value in images.items() if key in known}
    write_atomic(str(file), json.dumps({**encoder, **images}, indent=2).encode())


def check(path: str, config: Mapping[str, Any], encoder: Optional[Dict[str, Any]],
          new: bool) -> None:
    """Check that the maps of the data set at ``path`` are those of an encoder.

    Args:
        encoder: see :func:`about_encoder`.
        new: whether there may be no maps yet.

    Raises:
        ConfigError: they are of another encoder, of an unknown one, of other images or of images
            that were loaded in another way, or the config does not load normalized images.
        MissingFile: there are none.
    """
    folder, wanted = config[FOLDER], about_images(path, config)
    if os.path.isfile(folder):
        raise ConfigError(f'{path}.{FOLDER}: {folder} is a file: give the path of a folder')
    file = Path(folder, NAME)
    holds_maps = next(Path(folder).rglob('*.npy'), None) is not None
    if not file.is_file() and not holds_maps:
        if new:
            return
        raise MissingFile(f'{path}.{FOLDER}: {folder} holds no maps: {REMEDY}')
    try:
        made = json.loads(read_text(file, 'note about the encoder of the maps'))
        images, steps = made.pop('images', None), made.pop('steps', None)
        steps = steps and [_complete_step(step) for step in steps]
        made = _complete(made)
    except (MissingFile, *WRONG_VALUE) as error:
        raise ConfigError(f'{path}.{FOLDER}: {folder} does not say in {NAME} which encoder made '
                          f'its maps: remove the folder, and {REMEDY}') from error
    _check_images(f'{path}.{FOLDER}: the maps in {folder} are of', file, images, steps, wanted)
    if encoder is not None and {**made, 'sha256': made.get('sha256', encoder.get('sha256'))} != {
            **encoder, 'sha256': encoder.get('sha256')}:
        raise ConfigError(f'{path}.{FOLDER}: the maps in {folder} are of the encoder {made}, the '
                          f'config has {encoder}: take another folder, or remove this one')


def _check_images(told: str, file: Path, images: Optional[str], steps: Optional[List[dict]],
                  wanted: Mapping[str, Any]) -> None:
    """Check that the images of a note are the wanted ones, as far as it says that."""
    if None not in (images, wanted.get('images')) and images != wanted['images']:
        raise ConfigError(f'{told} the images in {images}, the config has {wanted["images"]}: take '
                          f'another folder. If the images were moved, change this in {file}')
    if steps not in (None, wanted['steps']):
        raise ConfigError(f'{told} images that were loaded by {steps}, the config has '
                          f'{wanted["steps"]}: take another folder, or remove this one')


def loading_steps(path: str, config: Mapping[str, Any]) -> List[dict]:
    """Return the steps that load and normalize the images of the data set at ``path``.

    Raises:
        ConfigError: its pipeline lacks one of the two, or has several.
    """
    steps = [step for _, step in steps_of(config['pipeline'])
             if loads_image(step) or step_name(step) == 'Normalize']
    if [loads_image(step) for step in steps] != [True, False]:
        raise ConfigError(f'{path}.{FOLDER} needs a pipeline with one step that loads the image '
                          '(LoadImageFromFile), then one Normalize, got '
                          f'{list(map(step_name, config["pipeline"]))}')
    return steps
