"""All that a checkpoint needs besides the student, to go on as if never stopped."""
from typing import Any, Dict

from .self_training import SelfTraining
from .update.optimization import restore_gradients, unfinished_gradients


def training_state(method: SelfTraining) -> Dict[str, Any]:
    """Iteration, teachers, the trained parts that are not the student, unfinished gradients."""
    unfinished = not method.optimization.starts_round(method.iteration)
    return dict(
        iteration=method.iteration,
        teachers=[teacher.training_state() for teacher in method.teachers],
        regularizer=method.regularizer.state_dict() if method.regularizer else {},
        feature_distance=method.feature_distance.state_dict() if method.feature_distance else {},
        loss_terms=method.loss_terms.state_dict(),
        views=method.view_makers.state_dict(),
        adversary=method.adversary.training_state(unfinished) if method.adversary else {},
        optimization=method.optimization.training_state(),
        skipped=method.finite_check.skipped,
        gradients=unfinished_gradients(method) if unfinished else {})


def load_training_state(method: SelfTraining, state: Dict[str, Any]) -> None:
    """The inverse of :func:`training_state`.

    Raises:
        ValueError: the state is of a method with other parts.
    """
    if len(state['teachers']) != len(method.teachers) or \
            bool(state['regularizer']) != (method.regularizer is not None):
        raise ValueError(
            f'the training state has {len(state["teachers"])} teachers and '
            f'{"a" if state["regularizer"] else "no"} regularizer, this method has '
            f'{len(method.teachers)} and {"one" if method.regularizer else "none"}')
    distance = method.feature_distance
    trained = state.get('feature_distance', {})  # not in states of before it could be trained
    if bool(trained) != bool(distance is not None and distance.state_dict()):
        raise ValueError('the training state is of a feature distance '
                         f'{"to" if trained else "without"} a foundation encoder, this method '
                         'is not: see imnet_feature_dist_encoder')
    terms = state.get('loss_terms', {})  # not in states of before there were any
    if set(terms) != set(method.loss_terms.state_dict()):
        raise ValueError('the training state is of other loss_terms than this method has')
    views = state.get('views', {})
    if set(views) != set(method.view_makers.state_dict()):
        raise ValueError('the training state is of other views than this method has')
    adversary = state.get('adversary', {})  # not in states of before there was one
    if bool(adversary) != (method.adversary is not None):
        raise ValueError(f'the training state has {"" if adversary else "no "}discriminators, this '
                         f'method has {"none" if adversary else "some"}')
    method.iteration = int(state['iteration'])
    for teacher, teacher_state in zip(method.teachers, state['teachers']):
        teacher.load_training_state(teacher_state)
    if method.regularizer is not None:
        method.regularizer.load_state_dict(state['regularizer'])
    if trained:
        distance.load_state_dict(trained)
    method.loss_terms.load_state_dict(terms)
    method.view_makers.load_state_dict(views)
    if adversary:
        method.adversary.load_training_state(adversary)
    device = next(method.parameters()).device
    method.optimization.load_training_state(state['optimization'], device)
    method.finite_check.skipped = int(state['skipped'])
    restore_gradients(method, state['gradients'])
