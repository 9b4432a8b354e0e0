from torch import nn, optim

from mmseg_ssr.engine.config.signatures import keyword_arguments


class Base(nn.Module):
    def __init__(self, width, depth=1):
        super().__init__()


class PassesOn(Base):
    def __init__(self, *, extra=None, **kwargs):
        super().__init__(**kwargs)


class Swallows(Base):
    def __init__(self, extra=None, **kwargs):
        super().__init__(1)
        self.options = kwargs


class Inherits(PassesOn):
    pass


def test_named_arguments_of_a_class():
    assert keyword_arguments(Base) == {'width', 'depth'}


def test_arguments_that_are_passed_on_are_the_base_classes_too():
    assert keyword_arguments(PassesOn) == {'extra', 'width', 'depth'}
    assert keyword_arguments(Inherits) == {'extra', 'width', 'depth'}


def test_a_class_that_uses_its_keywords_otherwise_takes_any():
    assert keyword_arguments(Swallows) is None


def test_functions():
    assert keyword_arguments(lambda a, b=1: None) == {'a', 'b'}
    assert keyword_arguments(lambda a, **rest: None) is None


def test_optimizers_of_torch():
    assert {'lr', 'betas', 'weight_decay'} <= keyword_arguments(optim.AdamW)
    assert 'momentum' not in keyword_arguments(optim.AdamW)
