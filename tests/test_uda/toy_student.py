"""A student of a few weights that is no segmentor of mmseg: the step in milliseconds."""
import torch
from torch import nn
from torch.nn import functional as F

from mmseg_ssr.regularizer import FeatureRegularizer, FrozenNetwork
from mmseg_ssr.uda import Batch, PseudoLabel

CLASSES = 3


class Head(nn.Module):
    """Dropout, batch norm and a classifier of the last map."""
    num_classes, ignore_index, align_corners = CLASSES, 255, False

    def __init__(self, dropout):
        super().__init__()
        self.dropout, self.norm = nn.Dropout2d(dropout), nn.BatchNorm2d(4)
        self.conv_seg = nn.Conv2d(4, CLASSES, 1)

    def forward(self, maps):
        return self.conv_seg(self.dropout(self.norm(maps[-1])))

    def loss_decode(self, logits, label, weight=None, ignore_index=255):
        losses = F.cross_entropy(logits, label, ignore_index=ignore_index, reduction='none')
        return (losses if weight is None else losses * weight).mean()


class Student(nn.Module):
    """Two stages of four channels, of a quarter and an eighth of the image."""

    def __init__(self, dropout=0.):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 4, stride=4), nn.Conv2d(4, 4, 2, stride=2))
        self.decode_head = Head(dropout)

    def extract_feat(self, img):
        first = self.backbone[0](img)
        return [first, self.backbone[1](first.relu())]


class Encoder(FrozenNetwork):
    """A frozen encoder: six channels of an eighth of the image. It notes what it sees."""
    out_channels = 6

    def __init__(self):
        super().__init__(nn.Conv2d(3, 6, 8, stride=8))
        self.seen = []

    def forward(self, img):
        self.seen.append(img)
        return super().forward(img)


def regularizer():
    return FeatureRegularizer(Encoder(), (4, 4), (1, 2), (1, ))  # the stage that the head reads


def batch(side=16, **changes):
    """Two square images of each domain, labeled in four quarters with two rows of ignore."""
    label = torch.randint(0, CLASSES, (2, 1, 2, 2))
    label = label.repeat_interleave(side // 2, 2).repeat_interleave(side // 2, 3)
    label[:, :, :2] = 255
    img, target_img = torch.randn(2, 2, 3, side, side)
    return Batch(img, label, torch.full((1, 3, 1, 1), 120.), torch.full((1, 3, 1, 1), 60.),
                 target_img)._replace(**changes)


def pseudo():
    """Random labels, and a weight of its own for each pixel, none of them 0 or 1."""
    return PseudoLabel(torch.randint(0, CLASSES, (2, 1, 16, 16)),
                       0.1 + 0.8 * torch.rand(2, 16, 16), torch.ones(2, 16, 16, dtype=torch.bool))


class Changed:
    """An augmentation that notes what it is given, and adds 5."""

    def __init__(self):
        self.given = []

    def __call__(self, img, mean, std, draws):
        self.given.append((img, mean, std, draws))
        return img + 5
