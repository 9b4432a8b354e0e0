"""Published files of weights: their names, addresses, sums and licenses."""
import os
import shlex
from dataclasses import dataclass
from typing import Dict, Iterator, Optional

from ..errors import ConfigError, nearest
from ..utils.atomic_file import PathLike

#: Folder of the weights that the configs name.
FOLDER = 'pretrained'

META = 'https://dl.fbaipublicfiles.com'
OPENMMLAB = 'https://download.openmmlab.com'
HUGGING_FACE = 'https://huggingface.co'
GITHUB = 'https://github.com'
APACHE, MIT, NVIDIA = 'Apache-2.0', 'MIT', 'NVIDIA, research only'


@dataclass(frozen=True)
class Published:
    """A published file of weights.

    Attributes:
        name: short name, for ``mmseg-ssr weights NAME``.
        file: name of the file in :data:`FOLDER`, as configs have it.
        url: address of the file.
        license: license of the weights. docs/licenses.md has the sources.
        sha256: SHA-256 sum of the file or its first digits, None if no sum is known.
        size: number of bytes, None if unknown.
        also: page of another publisher of the same weights, whose files load too.
    """

    name: str
    file: str
    url: str
    license: str
    sha256: Optional[str] = None
    size: Optional[int] = None
    also: Optional[str] = None

    @property
    def published_name(self) -> str:
        """The name of the file at its address."""
        return os.path.basename(self.url)

    def owns(self, path: PathLike) -> bool:
        """Whether only this file has the name of ``path``. Others may be called :attr:`file`."""
        return os.path.basename(path) == self.published_name

    def has_sum(self, digest: str) -> bool:
        """Whether ``digest`` is known to be the sum of this file."""
        return self.sha256 is not None and digest.startswith(self.sha256)

    @property
    def places(self) -> str:
        """The addresses, in words."""
        return self.url + (f' (or {self.also})' if self.also else '')


def _mit() -> Iterator[Published]:
    """MiT, ImageNet. The names of OpenMMLab's files end in the first digits of their sums."""
    for i, digits in enumerate(['7e0fe6dd', '02e5a6a1', '66e8bf70', '13b1141c', 'd588d980',
                                '658746d9']):
        yield Published(
            f'mit_b{i}', f'mit_b{i}.pth', f'{OPENMMLAB}/mmsegmentation/v0.5/pretrain/segformer/'
            f'mit_b{i}_20220624-{digits}.pth', NVIDIA, digits,
            also=f'{HUGGING_FACE}/nvidia/mit-b{i}')


def _resnet() -> Iterator[Published]:
    """ResNet of OpenMMLab, ImageNet. The names end in the first digits of the sums."""
    for depth, digits in ((50, '2cccc1ad'), (101, 'e67eebb6')):
        file = f'resnet{depth}_v1c-{digits}.pth'
        yield Published(f'resnet{depth}', file, f'{OPENMMLAB}/pretrain/third_party/{file}',
                        'not stated', digits)


def _mobilenet() -> Iterator[Published]:
    """MobileNetV2 of torchvision, ImageNet. The name ends in the first digits of the sum."""
    yield Published('mobilenet_v2', 'mobilenet_v2.pth',
                    'https://download.pytorch.org/models/mobilenet_v2-b0353104.pth',
                    'not stated', 'b0353104')


def _sam() -> Iterator[Published]:
    """SAM, whose names end in the first digits of the MD5 sums, and MobileSAM."""
    for size, digits, sha256, count in (
            ('b', '01ec64', 'ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912',
             375042383),
            ('l', '0b3195', '3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622',
             1249524607),
            ('h', '4b8939', 'a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e',
             2564550879)):
        file = f'sam_vit_{size}_{digits}.pth'
        yield Published(f'sam_vit_{size}', file, f'{META}/segment_anything/{file}', APACHE, sha256,
                        count)
    yield Published(
        'mobile_sam', 'mobile_sam.pt',
        f'{GITHUB}/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt', APACHE,
        '6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f', 40728226)


def _dinov2() -> Iterator[Published]:
    """DINOv2, without and with registers."""
    for size, kind, sha256, count in (
            ('s', '', 'b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9', 88283115),
            ('b', '', '0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73',
             346378731),
            ('l', '', 'd5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428',
             1217586395),
            ('g', '', 'baf8467e50af277596bbbafa06887c177ee899ab46033649c383577d7e9309d3', None),
            ('s', '_reg4', 'f433177089a681826f849f194ece3bb48f4d63fb38d32fc837e3dc7a4e5641fb',
             None),
            ('b', '_reg4', '73182a088cf94833c94b1666d1c99e02fe87e2007bff57b564fb6206e25dba71',
             None),
            ('l', '_reg4', '36e4deffbaef061a2576705b0c36f93621e2ae20bf6274694821b0b492551b51',
             None),
            ('g', '_reg4', '746ecb8c6301c645c5c855be91687d274587d6e48fdaec4a729753160b34a283',
             None)):
        file = f'dinov2_vit{size}14{kind}_pretrain.pth'
        yield Published(f'dinov2_{size}{kind}', file, f'{META}/dinov2/dinov2_vit{size}14/{file}',
                        APACHE, sha256, count)


def _convnext() -> Iterator[Published]:
    """ConvNeXt, ImageNet-22k."""
    for size in ('tiny', 'small', 'base', 'large', 'xlarge'):
        file = f'convnext_{size}_22k_224.pth'
        yield Published(f'convnext_{size}', file, f'{META}/convnext/{file}', MIT)


def _beit() -> Iterator[Published]:
    """BEiT of Microsoft, ImageNet-22k."""
    for size in ('base', 'large'):
        file = f'beit_{size}_patch16_224_pt22k_ft22k.pth'
        yield Published(f'beit_{size}', file, 'https://conversationhub.blob.core.windows.net/'
                        f'beit-share-public/beit/{file}', MIT)


def _vfmudapp() -> Iterator[Published]:
    """DINOv2 with a ViT-Adapter that VFM-UDA++ pre-trained on ImageNet, the adapter alone."""
    for size in ('small', 'base', 'large'):
        file = f'dinov2_{size}_with_vitadapter_pretraining_in1k_step50000.ckpt'
        yield Published(
            f'vitadapter_dinov2_{size[0]}', file, f'{HUGGING_FACE}/tue-mps/'
            f'vfmuda_plusplus_{size}_in1k_pretraining/resolve/main/{file}', 'not stated')


#: Short name -> file. The sums are those that public projects list. They were not computed here.
FILES: Dict[str, Published] = {
    one.name: one for group in (_mit, _sam, _resnet, _mobilenet, _dinov2, _convnext, _beit,
                                _vfmudapp) for one in group()}


def find_published(path: PathLike) -> Optional[Published]:
    """Return the published file that a path is meant for, by the last part of the path."""
    name = os.path.basename(path)
    return next((one for one in FILES.values() if name in (one.file, one.published_name)), None)


def published_named(name: str) -> Published:
    """Return the published file of a short name, or of a name of the file.

    Raises:
        ConfigError: there is none. The message has the nearest name.
    """
    by_name = {known: one for one in FILES.values()
               for known in (one.name, one.file, one.published_name)}
    if name not in by_name:
        raise ConfigError(f'no published weights are called {name!r}{nearest(name, by_name)}; '
                          '`mmseg-ssr weights --list` shows all')
    return by_name[name]


def published_sum(path: PathLike) -> Optional[str]:
    """Return the SHA-256 sum of a published file or its first digits, or None if it is unknown.

    It is unknown for a name that several publishers use, such as ``mit_b5.pth``.
    """
    one = find_published(path)
    return one.sha256 if one and one.owns(path) else None


def command(path: PathLike) -> Optional[str]:
    """Return the command that fetches a file to ``path``, or None if it is no published file."""
    one = find_published(path)
    if one is None:
        return None
    folder, file = os.path.split(path)
    words = ['mmseg-ssr', 'weights', one.name if file == one.file else file]
    return shlex.join(words + (['--dir', folder or '.'] if folder != FOLDER else []))


def how_to_get(path: PathLike) -> str:
    """Return how to get a file, to end a message: the command and the address, if it has one."""
    one = find_published(path)
    return (f'fetch it with `{command(path)}`, it is published at {one.places}' if one
            else 'put the file there')
