"""The state that a checkpoint needs besides the student, to go on as if never stopped."""
from typing import Any, Dict

from .self_training import SelfTraining
from .update.optimization import restore_gradients, unfinished_gradients

#: Parts that training states of older versions lack.
ABSENT: Dict[str, Any] = dict(feature_distance={}, loss_terms={}, views={}, adversary={},
                              foundation_distance={})


def training_state(method: SelfTraining) -> Dict[str, Any]:
    """Return iteration, teachers, trained parts beside the student, and unfinished gradients."""
    unfinished = not method.optimization.starts_round(method.iteration)
    return dict(
        iteration=method.iteration,
        teachers=[teacher.training_state() for teacher in method.teachers],
        regularizer=method.regularizer.state_dict() if method.regularizer else {},
        feature_distance=method.feature_distance.state_dict() if method.feature_distance else {},
        foundation_distance=(method.foundation_distance.state_dict()
                             if method.foundation_distance else {}),
        loss_terms=method.loss_terms.state_dict(),
        views=method.view_makers.state_dict(),
        adversary=method.adversary.training_state(unfinished) if method.adversary else {},
        optimization=method.optimization.training_state(),
        skipped=method.finite_check.skipped,
        gradients=unfinished_gradients(method) if unfinished else {})


def load_training_state(method: SelfTraining, state: Dict[str, Any]) -> None:
    """Load the result of :func:`training_state`.

    Raises:
        ValueError: the state belongs to a method with other parts.
    """
    state = {**ABSENT, **state}
    check_parts(method, state)
    method.iteration = int(state['iteration'])
    for teacher, teacher_state in zip(method.teachers, state['teachers']):
        teacher.load_training_state(teacher_state)
    if method.regularizer is not None:
        method.regularizer.load_state_dict(state['regularizer'])
    if state['feature_distance']:
        method.feature_distance.load_state_dict(state['feature_distance'])
    if method.foundation_distance is not None:
        method.foundation_distance.load_state_dict(state['foundation_distance'])
    method.loss_terms.load_state_dict(state['loss_terms'])
    method.view_makers.load_state_dict(state['views'])
    if state['adversary']:
        method.adversary.load_training_state(state['adversary'])
    device = next(method.parameters()).device
    method.optimization.load_training_state(state['optimization'], device)
    method.finite_check.skipped = int(state['skipped'])
    restore_gradients(method, state['gradients'])


def check_parts(method: SelfTraining, state: Dict[str, Any]) -> None:
    """Raise a ``ValueError`` unless the state belongs to a method with the same parts."""
    if len(state['teachers']) != len(method.teachers) or \
            bool(state['regularizer']) != (method.regularizer is not None):
        raise ValueError(
            f'the training state has {len(state["teachers"])} teachers and '
            f'{"a" if state["regularizer"] else "no"} regularizer, this method has '
            f'{len(method.teachers)} and {"one" if method.regularizer else "none"}')
    distance = method.feature_distance
    trained = bool(state['feature_distance'])
    if trained != bool(distance is not None and distance.state_dict()):
        raise ValueError(
            f'the training state has {"a" if trained else "no"} feature distance to a foundation '
            f'encoder, this method has {"none" if trained else "one"}: see '
            'imnet_feature_dist_encoder')
    if bool(state['foundation_distance']) != (method.foundation_distance is not None):
        raise ValueError(
            f'the training state has {"a" if state["foundation_distance"] else "no"} distance to a '
            f'foundation model, this method has {"one" if method.foundation_distance else "none"}: '
            'see foundation_distance_lambda')
    if set(state['loss_terms']) != set(method.loss_terms.state_dict()):
        raise ValueError('the training state has other loss_terms than this method')
    if set(state['views']) != set(method.view_makers.state_dict()):
        raise ValueError('the training state has other views than this method')
    if bool(state['adversary']) != (method.adversary is not None):
        raise ValueError(
            f'the training state has {"" if state["adversary"] else "no "}discriminators, this '
            f'method has {"none" if state["adversary"] else "some"}')
