"""A view of one's own: the target image without color, with the label of the teacher."""
from mmseg.models.builder import MODELS

from mmseg_ssr.uda import View, ViewMaker


@MODELS.register_module()
class GrayView(ViewMaker):
    """The student shall say of a gray image what the teacher says of the colored one.

    Args:
        weight: of the losses on the view.
    """

    name = 'gray'

    def __init__(self, weight: float = 0.5):
        super().__init__()
        self.weight = weight

    def forward(self, batch, pseudo, draws):
        img = batch.target_img * batch.std + batch.mean  # to 0..255
        gray = (img.mean(dim=1, keepdim=True) - batch.mean) / batch.std
        return View(self.name, gray, pseudo.label, pseudo.weight, scale=self.weight)
