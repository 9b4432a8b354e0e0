"""Contract C5: a training killed at any moment ends, resumed, as one that was left alone."""
import pytest
from comparison import assert_same, outcome

from .trainings import KILLED, Training, finish


def steps_of_a_save(steps):
    """Step -> when it is: those of the first checkpoint, between which a kill may come."""
    begin = steps.index('remove') + 1  # config.py has been written
    end = steps.index('fsync')
    return {
        'inside the first bytes': begin, 'inside the file': (begin + end) // 2,
        'before its bytes are on the disk': end, 'before it has its name': end + 1,
        'before latest.pth is made': steps.index('symlink'),
        'before latest.pth has its name': steps.index('symlink') + 1,
        'before it is done': steps.index('symlink') + 2}


def test_killed_while_saving(undisturbed, configs, tmp_path):
    folder = tmp_path / 'run'
    moments = steps_of_a_save(undisturbed.steps)
    assert undisturbed.steps[moments['before it has its name']] == 'replace'
    for moment, step in moments.items():
        training = Training(configs[0], folder, kill_at=step)
        assert training.wait() == KILLED, moment
    finish(configs[0], folder)
    assert_same(outcome(folder), undisturbed.outcome)


@pytest.mark.parametrize('workers', [0, 1, 2])
def test_killed_at_random_moments(workers, undisturbed, configs, tmp_path, draws):
    folder = tmp_path / 'run'
    for _ in range(2):
        training = Training(configs[workers], folder)
        training.kill_after(draws.uniform(0, undisturbed.seconds))
    finish(configs[workers], folder)
    assert_same(outcome(folder), undisturbed.outcome)
