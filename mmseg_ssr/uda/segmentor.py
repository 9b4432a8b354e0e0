"""A method as a segmentor: weights, state and inference of its student, for any framework."""
from typing import Any, Dict

from torch import Tensor

from ..errors import ConfigError
from .self_training import SelfTraining
from .training_state import load_training_state, training_state
from .views.view import Batch


class StudentSegmentor(SelfTraining):
    """:class:`SelfTraining` with what frameworks ask of a segmentor. The student alone infers."""

    def init_weights(self) -> None:
        """Initialize the student, and the networks that start as copies of it."""
        self.model.init_weights()
        self.copy_student()

    def training_state(self) -> Dict[str, Any]:
        """See :func:`~mmseg_ssr.uda.training_state.training_state`."""
        return training_state(self)

    def load_training_state(self, state: Dict[str, Any]) -> None:
        """See :func:`~mmseg_ssr.uda.training_state.load_training_state`."""
        load_training_state(self, state)

    def extract_feat(self, img: Tensor) -> Any:
        """Return the student's features of images B x 3 x H x W."""
        return self.model.extract_feat(img)

    def encode_decode(self, img: Tensor, img_metas: Any) -> Tensor:
        """Return the student's logits B x K x H x W."""
        return self.model.encode_decode(img, img_metas)

    def checked(self, batch: Batch, place: str) -> Batch:
        """Return a batch that has what the method learns from.

        Args:
            place: key of the training data in the config, for the message.

        Raises:
            ConfigError: the method needs target images, and the batch has none.
        """
        if self.needs_target and batch.target_img is None:
            raise ConfigError('this method learns from target images, but the training data has '
                              f"none: set {place} to a dict(type='UDADataset', source=..., "
                              'target=...), or uda.source_only=True')
        return batch
