"""Images and labels with something wrong in them, for training, testing and converting."""
import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any, Callable, NamedTuple, Tuple

import cv2
import numpy as np
import tiny_training
from PIL import Image

from .commands import command, converter
from .digests import digest, scores_in, trained
from .oracle import MAY_FAIL, MUST_FAIL, MUST_WORK, Case

#: What was done, what has to come of it, and whether the pixels are still the same.
Made = Tuple[str, str, bool]


class Use(NamedTuple):
    """A command that reads images.

    Attributes:
        files: which of the data set's it may be given damaged, as a pattern.
        run: its arguments are the folder with the data and a trained checkpoint.
        result: what came out of a success in that folder.
    """
    files: str
    run: Callable[[Path, Path], Any]
    result: Callable[[Path], Any]


def image_case(seed: int, world, folder: Path) -> Case:
    """The ``seed``-th damaged file of a data set."""
    rng = random.Random(seed)
    name = rng.choice(list(USES))
    use = USES[name]
    data = world.data_in(folder)
    file = rng.choice(sorted(data.glob(use.files)))
    if name == 'convert':
        for converted in data.glob('gta/labels/*_labelTrainIds.png'):
            converted.unlink()
    is_label = 'label' in file.name or 'labels' in str(file)
    damages = FILES + (LABELS if is_label else IMAGES)
    damage = rng.choice(damages)
    what, expect, same = damage(rng, file)
    checkpoint = world.uses()['test'].file
    reference = world.reference_of(f'image-{name}', lambda clean: (use.run(clean, checkpoint),
                                                                   use.result(clean))[1])
    case = Case(lambda: use.run(folder, checkpoint),
                [file.name, file.stem.split('_gtFine')[0]], folder, expect, owned=['.json'],
                result=lambda: use.result(folder), reference=reference if same else None)
    case.what = f'{name}, {file.relative_to(data)}: {damage.__name__} {what}'
    return case


def train(folder: Path, checkpoint: Path) -> None:
    """Long enough to read every training image."""
    sections = tiny_training.method_config(folder / 'data', 3)
    sections['data']['train']['rare_class_sampling'] = None
    config = tiny_training.write_config(folder / 'config.py', sections)
    command('scripts.train')([config, '--work-dir', str(folder / 'run'), '--device', 'cpu',
                               '--no-validate'])


def test(folder: Path, checkpoint: Path) -> None:
    sections = tiny_training.ssr_config(folder / 'data', 2)
    config = tiny_training.write_config(folder / 'config.py', sections)
    command('test')([config, str(checkpoint), '--eval', 'mIoU', '--device', 'cpu',
                              '--out', str(folder / 'out.pkl')])


test.__test__ = False


def convert(folder: Path, checkpoint: Path) -> None:
    converter('gta')([str(folder / 'data' / 'gta'), '--nproc', '1'])


def converted(folder: Path) -> str:
    root = folder / 'data' / 'gta'
    return digest([[path.name, np.array(Image.open(path))]
                   for path in sorted(root.glob('labels/*_labelTrainIds.png'))])


def after_training(folder: Path) -> Any:
    return trained(folder / 'run' / 'iter_3.pth')


USES = {
    'train': Use('gta/images/*.png', train, after_training),
    'labels': Use('gta/labels/*_labelTrainIds.png', train, after_training),
    'target': Use('cityscapes/leftImg8bit/train/*/*.png', train, after_training),
    'test': Use('cityscapes/leftImg8bit/val/*/*.png', test, scores_in),
    'truth': Use('cityscapes/gtFine/val/*/*_labelTrainIds.png', test, scores_in),
    'convert': Use('gta/labels/0000?.png', convert, converted),
}


def truncated(rng, file) -> Made:
    raw = file.read_bytes()
    size = rng.choice([0, 1, 8, 33, len(raw) - 1, len(raw) - 12, rng.randrange(len(raw))])
    file.write_bytes(raw[:size])
    return f'at {size} of {len(raw)}', MAY_FAIL, True


def truncated_jpeg(rng, file) -> Made:
    """Half a JPEG decodes: into a picture whose lower half is gray."""
    content = io.BytesIO()
    Image.open(file).convert('RGB').save(content, 'JPEG', quality=95)
    raw = content.getvalue()
    file.write_bytes(raw[:rng.randrange(len(raw) // 4, len(raw) - 2)])
    return '', MUST_FAIL, False


def flipped(rng, file) -> Made:
    raw = bytearray(file.read_bytes())
    spots = [rng.randrange(len(raw)) for _ in range(rng.choice([1, 1, 3, 20]))]
    for spot in spots:
        raw[spot] ^= 1 << rng.randrange(8)
    file.write_bytes(bytes(raw))
    return f'{spots[:3]}', MAY_FAIL, True


def something_else(rng, file) -> Made:
    what = rng.choice(['text', 'nothing', 'folder', 'gone', 'loop', 'zeros', 'svg', 'pickle'])
    file.unlink()
    contents = dict(text=b'no image\n' * 9, nothing=b'', zeros=bytes(900), pickle=b'\x80\x04K\x05.',
                    svg=b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32"/>')
    if what in contents:
        file.write_bytes(contents[what])
    elif what == 'folder':
        file.mkdir()
    elif what == 'loop':
        file.symlink_to(file)
    # an image that is not there is not listed, and its label not read
    expect = MAY_FAIL if what in ('gone', 'folder', 'loop') else MUST_FAIL
    return what, expect, False


def header(width: int, height: int, kind: int, bits: int = 8, body: bytes = b'') -> bytes:
    """A PNG whose header promises ``width`` x ``height`` pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (struct.pack('>I', len(content)) + name + content
                + struct.pack('>I', zlib.crc32(name + content)))

    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, kind,
                                                             0, 0, 0))
            + chunk(b'IDAT', zlib.compress(body)) + chunk(b'IEND', b''))


def bomb(rng, file) -> Made:
    """A small file that says it is a huge image."""
    side = rng.choice([2 ** 31 - 1, 100_000, 40_000, 20_000])
    file.write_bytes(header(side, side, rng.choice([0, 2]), body=bytes(1000)))
    return f'{side} x {side}', MUST_FAIL, False


def no_pixels(rng, file) -> Made:
    file.write_bytes(header(*rng.choice([(0, 0), (64, 0), (0, 32)]), 2))
    return '', MUST_FAIL, False


def again(rng, file) -> Made:
    """The same pixels, packed otherwise."""
    image = Image.open(file)
    image.load()
    image.save(file, 'PNG', compress_level=rng.randrange(10), optimize=rng.random() < 0.5)
    return '', MUST_WORK, True


def other_size(rng, file) -> Made:
    image = Image.open(file)
    size = rng.choice([(1, 1), (64, 31), (32, 64), (63, 32), (2, 2), (500, 3), (128, 64), (1, 32)])
    image.resize(size, Image.NEAREST).save(file, 'PNG')
    paired = 'target' not in str(file) and 'leftImg8bit/train' not in str(file)
    expect = MUST_FAIL if paired and '/images/' not in str(file) else MAY_FAIL
    if 'labels/' in str(file) and '_labelTrainIds' not in file.name:
        expect = MAY_FAIL  # a converter sees labels alone
    return f'{size}', expect, False


def animated(rng, file) -> Made:
    first = Image.open(file).convert('P')
    second = first.transpose(Image.FLIP_LEFT_RIGHT)
    kind = rng.choice(['GIF', 'PNG'])
    first.save(file, kind, save_all=True, append_images=[second], duration=100)
    return kind, MAY_FAIL, False


def with_alpha(rng, file) -> Made:
    Image.open(file).convert('RGBA').save(file, 'PNG')
    return 'opaque', MAY_FAIL, True


def see_through(rng, file) -> Made:
    image = Image.open(file).convert('RGBA')
    image.putalpha(rng.choice([0, 100]))
    image.save(file, 'PNG')
    return '', MAY_FAIL, False


def gray(rng, file) -> Made:
    Image.open(file).convert(rng.choice(['L', 'LA', '1', 'P'])).save(file, 'PNG')
    return '', MAY_FAIL, False


def sixteen_bits(rng, file) -> Made:
    """The same picture in twice as many bits."""
    image = cv2.imread(str(file), cv2.IMREAD_COLOR).astype(np.uint16) * 257
    file.write_bytes(cv2.imencode('.png', image)[1].tobytes())
    return '', MAY_FAIL, True


def other_format(rng, file) -> Made:
    kind = rng.choice(['JPEG', 'BMP', 'TIFF', 'WEBP', 'GIF', 'PPM'])
    Image.open(file).convert('RGB').save(file, kind)
    return f'{kind} named .png', MAY_FAIL, kind in ('BMP', 'TIFF', 'PPM')


def ids(file: Path) -> np.ndarray:
    return np.array(Image.open(file))


def colored(rng, file) -> Made:
    Image.open(file).convert(rng.choice(['RGB', 'RGBA', 'LA', 'CMYK'])
                             if rng.random() < 0.9 else 'HSV').convert('RGB').save(file, 'PNG')
    return '', MUST_FAIL, False


def with_transparency(rng, file) -> Made:
    Image.fromarray(ids(file)).convert('LA').save(file, 'PNG')
    return 'gray and alpha', MUST_FAIL, False


def palette(rng, file) -> Made:
    """The same indices under arbitrary colors."""
    image = Image.fromarray(ids(file))
    image.putpalette([rng.randrange(256) for _ in range(768)])
    image.save(file, 'PNG')
    return '', MUST_WORK, True


def ids_of_16_bits(rng, file) -> Made:
    values = ids(file).astype(np.uint16)
    wrapped = rng.random() < 0.5
    if wrapped:
        values[0, 0] += 256  # which is the same id in 8 bits
    file.write_bytes(cv2.imencode('.png', values)[1].tobytes())
    return f'{"too large" if wrapped else "the same"} ids', MUST_FAIL if wrapped else MAY_FAIL, True


def ids_of_1_bit(rng, file) -> Made:
    """1 is white, 255, in such a file."""
    Image.fromarray(np.where(ids(file) == 255, 255, 0).astype(np.uint8)).convert('1').save(file)
    return '', MUST_FAIL, False


def strange_ids(rng, file) -> Made:
    values = ids(file).copy()
    value = rng.choice([19, 20, 33, 34, 99, 254])
    values[rng.randrange(32), rng.randrange(64)] = value
    Image.fromarray(values).save(file)
    raw = '_labelTrainIds' not in file.name
    return f'{value}', MAY_FAIL if raw else MUST_FAIL, False


def floats(rng, file) -> Made:
    Image.fromarray(ids(file).astype(np.float32) + 0.3).save(file, 'TIFF')
    return 'TIFF of floats', MUST_FAIL, False


def lossy(rng, file) -> Made:
    Image.fromarray(ids(file)).convert('L').save(file, rng.choice(['JPEG', 'WEBP']))
    return '', MUST_FAIL, False


def all_ignore(rng, file) -> Made:
    Image.fromarray(np.full_like(ids(file), 255)).save(file)
    return '', MAY_FAIL, False


FILES = [truncated, truncated, flipped, something_else, bomb, no_pixels, again, other_size]
IMAGES = [truncated_jpeg, animated, with_alpha, see_through, gray, sixteen_bits, other_format]
LABELS = [colored, with_transparency, palette, ids_of_16_bits, ids_of_1_bit, strange_ids, floats,
          lossy, all_ignore]
