"""All that a checkpoint needs besides the student, to go on as if never stopped."""
from typing import Any, Dict

import torch

from .self_training import SelfTraining


def training_state(method: SelfTraining) -> Dict[str, Any]:
    """Iteration, teachers, regulariser, and the gradients of a round that is not over."""
    unfinished = not method.optimization.starts_round(method.iteration)
    return dict(
        iteration=method.iteration,
        teachers=[teacher.training_state() for teacher in method.teachers],
        regularizer=method.regularizer.state_dict() if method.regularizer else {},
        optimization=method.optimization.training_state(),
        skipped=method.watch.skipped,
        gradients={name: parameter.grad for name, parameter in method.named_parameters()
                   if unfinished and parameter.grad is not None})


def load_training_state(method: SelfTraining, state: Dict[str, Any]) -> None:
    """The inverse of :func:`training_state`.

    Raises:
        ValueError: the state is of a method with other parts.
    """
    if len(state['teachers']) != len(method.teachers) or \
            bool(state['regularizer']) != (method.regularizer is not None):
        raise ValueError(
            f'the training state has {len(state["teachers"])} teachers and '
            f'{"a" if state["regularizer"] else "no"} regulariser, this method has '
            f'{len(method.teachers)} and {"one" if method.regularizer else "none"}')
    method.iteration = int(state['iteration'])
    for teacher, teacher_state in zip(method.teachers, state['teachers']):
        teacher.load_training_state(teacher_state)
    if method.regularizer is not None:
        method.regularizer.load_state_dict(state['regularizer'])
    device = next(method.parameters()).device
    method.optimization.load_training_state(state['optimization'], device)
    method.watch.skipped = int(state['skipped'])
    parameters = dict(method.named_parameters())
    for name, gradient in state['gradients'].items():
        parameters[name].grad = torch.empty_like(parameters[name]).copy_(gradient)
