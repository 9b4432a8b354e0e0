"""What the cases ask of the installed line of mmseg."""
import mmseg_ssr

if mmseg_ssr.LINE == 0:
    from .door0 import build_method, groups_of, optimizer_of, predictions, rates, train
else:
    from .door1 import build_method, groups_of, optimizer_of, predictions, rates, train

__all__ = ['build_method', 'groups_of', 'optimizer_of', 'predictions', 'rates', 'train']
