"""The head of Mask2Former (arXiv 2112.01527, Sec. 3): masks and classes from learned queries."""
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigError
from ...host import HEADS, BaseModule
from ...uda.student import full_precision
from ...utils.registration import register
from .draws import MaskDraws
from .mask_losses import MaskLosses, MaskPredictions, targets_of
from .mask_transformer import MaskTransformer, blocked_outside
from .pixel_decoder import LEVELS, DeformablePixelDecoder
from .sine_positions import sine_positions

T = TypeVar('T')

#: Added to a class's score before the logarithm.
SCORE_EPSILON = 1e-8
#: Stride of the mask features.
MASK_STRIDE = 4


@register(HEADS)
class Mask2FormerHead(BaseModule):
    """Predicts a set of masks, each with a class (Mask2Former).

    A pixel decoder makes mask features and three memories of the four maps. A transformer decoder
    lets each query read the memories inside its last mask. A query gives a mask and a class, or no
    object.

    Args:
        in_channels: widths of the maps at strides 4, 8, 16, 32.
        num_classes: K, number of classes.
        in_index: which maps of the backbone these are.
        feat_channels: C, width of everything inside the head.
        num_queries: Q, number of queries.
        pixel_decoder: ``num_layers``, ``num_heads``, ``num_points``, ``feedforward_channels`` and
            ``num_groups`` of :class:`~.pixel_decoder.DeformablePixelDecoder`.
        transformer_decoder: ``num_layers``, ``num_heads`` and ``feedforward_channels`` of
            :class:`~.mask_transformer.MaskTransformer`.
        losses: arguments of :class:`~.mask_losses.MaskLosses` except ``num_classes``.
        ignore_index: label of pixels without a class.
        init_cfg: None; the head initializes itself.

    Attributes:
        draws: random decisions of losses and queries.

    Raises:
        ConfigError: numbers do not fit each other, or a key of a part is unknown.
    """

    align_corners = False
    threshold = None

    def __init__(self,
                 in_channels: Sequence[int],
                 num_classes: int,
                 in_index: Sequence[int] = (0, 1, 2, 3),
                 feat_channels: int = 256,
                 num_queries: int = 100,
                 pixel_decoder: Optional[Dict[str, Any]] = None,
                 transformer_decoder: Optional[Dict[str, Any]] = None,
                 losses: Optional[Dict[str, Any]] = None,
                 ignore_index: int = 255,
                 init_cfg: Optional[dict] = None):
        super().__init__(init_cfg)
        if num_queries < 1:
            raise ConfigError(f'num_queries must be at least 1, got {num_queries}')
        if len(in_index) != len(in_channels):
            raise ConfigError(f'in_index must name {len(in_channels)} maps, one for each of '
                              f'in_channels, got {list(in_index)}')
        self.num_classes = self.out_channels = num_classes
        self.in_index, self.ignore_index = tuple(in_index), ignore_index
        self.pixel_decoder = made('pixel_decoder', DeformablePixelDecoder, pixel_decoder,
                                  in_channels=in_channels, width=feat_channels)
        self.transformer_decoder = made('transformer_decoder', MaskTransformer,
                                        transformer_decoder, width=feat_channels)
        self.query_embed = nn.Embedding(num_queries, feat_channels)
        self.add_queries()
        self.level_embed = nn.Embedding(LEVELS, feat_channels)
        self.cls_embed = nn.Linear(feat_channels, num_classes + 1)
        self.mask_embed = nn.Sequential(
            nn.Linear(feat_channels, feat_channels), nn.ReLU(),
            nn.Linear(feat_channels, feat_channels), nn.ReLU(),
            nn.Linear(feat_channels, feat_channels))
        self.losses = made('losses', MaskLosses, losses, num_classes=num_classes)
        self.draws = MaskDraws()

    def add_queries(self) -> None:
        """Make the learned queries."""
        self.query_feat = nn.Embedding(*self.query_embed.weight.shape)

    def init_weights(self) -> None:
        """Initialize as Mask2Former does."""
        self.pixel_decoder.init_weights()
        self.transformer_decoder.init_weights()

    @property
    def num_queries(self) -> int:
        return self.query_embed.num_embeddings

    def forward(self, features: Sequence[Tensor]) -> MaskPredictions:
        """Return the predictions before the first layer and after each one.

        Args:
            features: maps of the backbone, B x C_i x H/s x W/s.

        Raises:
            ConfigError: ``in_index`` names a map that is not there.
        """
        if max(self.in_index) >= len(features):
            raise ConfigError(f'decode_head.in_index must name maps from 0 to {len(features) - 1}, '
                              f'which the backbone gives, got {list(self.in_index)}')
        mask_features, memories = self.pixel_decoder([features[i] for i in self.in_index])
        queries, blocked = self.first_queries(features, mask_features, memories[0].shape[2:])
        size = getattr(features, 'size', None) or tuple(
            MASK_STRIDE * side for side in mask_features.shape[2:])
        classes, masks = self._decoded(queries, blocked, mask_features, memories)
        return MaskPredictions(classes, masks, size)

    def first_queries(self, features: Sequence[Tensor], mask_features: Tensor,
                      size: torch.Size) -> Tuple[Tensor, Optional[Tensor]]:
        """Return the queries B x Q x C, and the cells that the first layer may not see.

        Args:
            features: what :meth:`forward` gets.
            mask_features: B x C x H/4 x W/4.
            size: (h, w) of the first memory.

        Returns:
            Instead of cells B x Q x h*w, None stands for those outside of the predicted masks.
        """
        return self.query_feat.weight.expand(len(mask_features), -1, -1), None

    def forward_train(self, features: Sequence[Tensor], img_metas: List[dict],
                      gt_semantic_seg: Tensor, train_cfg: Optional[dict]) -> Dict[str, Tensor]:
        """Return the losses of all outputs.

        Args:
            gt_semantic_seg: labels B x 1 x H x W.
        """
        return self.prediction_losses(self(features), gt_semantic_seg)

    def prediction_losses(self, predicted: MaskPredictions, label: Tensor,
                          weight: Optional[Tensor] = None) -> Dict[str, Tensor]:
        """Return the losses of predictions.

        Args:
            label: B x 1 x H x W.
            weight: weight of each pixel, B x H x W in [0, 1]; None is 1 everywhere.
        """
        return self.losses(predicted, targets_of(label, self.ignore_index, weight), self.draws)

    def forward_test(self, features: Sequence[Tensor], img_metas: List[dict],
                     test_cfg: Optional[dict]) -> Tensor:
        """Return log scores B x K x H x W at the size of the image, see :func:`log_scores`."""
        predicted = self(features)
        return log_scores(predicted, predicted.size)

    def _decoded(self, queries: Tensor, blocked: Optional[Tensor], mask_features: Tensor,
                 memories: Sequence[Tensor]) -> Tuple[Tuple[Tensor, ...], Tuple[Tensor, ...]]:
        """Run the layers. Return classes and masks before the first one and after each."""
        sizes = [memory.shape[2:] for memory in memories]
        positions = [sine_positions(size, mask_features.shape[1], mask_features.device)
                     .flatten(1).T for size in sizes]
        memories = [memory.flatten(2).transpose(1, 2) + embed
                    for memory, embed in zip(memories, self.level_embed.weight)]
        classes, masks = zip(self._predict(queries, mask_features))
        for i, layer in enumerate(self.transformer_decoder.layers):
            level = i % LEVELS
            if i > 0 or blocked is None:
                blocked = blocked_outside(masks[-1], sizes[level])
            queries = layer(queries, memories[level], self.query_embed.weight, positions[level],
                            blocked)
            scores, mask = self._predict(queries, mask_features)
            classes, masks = (*classes, scores), (*masks, mask)
        return classes, masks

    def _predict(self, queries: Tensor, mask_features: Tensor) -> Tuple[Tensor, Tensor]:
        """Return logits of classes B x Q x (K + 1) and of masks B x Q x H/4 x W/4."""
        queries = self.transformer_decoder.post_norm(queries)
        masks = torch.einsum('bqc,bchw->bqhw', self.mask_embed(queries), mask_features)
        return self.cls_embed(queries), masks


def made(name: str, part: Callable[..., T], config: Optional[Dict[str, Any]], **given: Any) -> T:
    """Build a part of the head from its config.

    Raises:
        ConfigError: a key is unknown.
    """
    try:
        return part(**given, **(config or {}))
    except TypeError as error:
        raise ConfigError(f'decode_head.{name}: {error}') from error


def class_scores(classes: Tensor, masks: Tensor) -> Tensor:
    """Return the score of each class at each pixel, B x K x h x w in [0, Q] (MaskFormer, Eq. 3).

    It is computed in float32, also under autocast.

    Args:
        classes: logits B x Q x (K + 1).
        masks: logits B x Q x h x w.
    """
    with torch.autocast(masks.device.type, enabled=False):
        chances = full_precision(classes).softmax(-1)[..., :-1]
        return torch.einsum('bqk,bqhw->bkhw', chances, full_precision(masks).sigmoid())


def log_scores(predicted: MaskPredictions, size: Optional[Tuple[int, int]] = None) -> Tensor:
    """Return log(score + 1e-8) of the last output.

    Its softmax is score / sum of the scores, so it can be used like the logits of other heads.

    Args:
        size: (H, W) to which the masks are resized first; None leaves them at stride 4.
    """
    masks = full_precision(predicted.masks[-1])
    if size is not None:
        masks = F.interpolate(masks, size, mode='bilinear', align_corners=False)
    return (class_scores(predicted.classes[-1], masks) + SCORE_EPSILON).log()
