"""Case 23: three training iterations by the project's own step."""
import numpy as np
import pytest
import torch
from parity.differences import sample_rows, samples_of

from . import tolerances
from .cases import cases_of, difference, norms, published
from .training_run import LOG, VFMRun

#: Softmax does not see the biases of keys, the second third: their gradients are rounding noise.
KEY_BIAS = 'attn.qkv.bias'


@pytest.fixture(scope='module', params=cases_of('23_'), ids=lambda case: case.name)
def run(request, tmp_path_factory):
    """The run after all iterations, with what was seen in each."""
    case = request.param
    run = VFMRun(case, str(tmp_path_factory.mktemp('frozen') / 'dinov2.pth'))
    names, count = case.facts['param_names'], case.arrays['param_samples'].shape[2]
    assert sorted(names) == sorted(run.parameters)
    run.seen = []
    for i in range(len(case.arrays['log'])):
        log = run.iteration(i)
        run.seen.append(dict(log=log, l2=norms(run.parameters, names),
                             parameters=rows(run.parameters, names, count)))
    run.method.teachers_follow()  # published at the end of a step, here at the start of the next
    return run


def rows(tensors, names, count):
    return sample_rows([tensors[name] for name in names], count)


def each_iteration(test):
    return pytest.mark.parametrize('i', range(3))(test)


@each_iteration
def test_pseudo_labels(run, i):
    label, weight, _ = run.seen[i]['log']['record'].pseudo[0]
    wrong = label.squeeze(1).numpy() != run.case.arrays['pseudo_label'][i]
    assert wrong.mean() < 1e-4
    assert abs(weight.max().item() - run.case.arrays['pseudo_share'][i]) < 1e-4


@each_iteration
def test_losses(run, i):
    log = run.seen[i]['log']
    own = {name: log[ours] for name, ours in LOG.items()}
    own['train_loss_fdist'] = own['fd_source'] + own['fd_target']
    weight = run.facts['fd_weight']
    own.update({name: own[name] / weight for name in ('fd_source', 'fd_target')})
    expected = dict(zip(run.case.facts['log_names'], run.case.arrays['log'][i]))
    assert own.keys() == expected.keys()
    for name, value in expected.items():
        assert abs(own[name] / value - 1) < tolerances.LOSS[i], name


@each_iteration
def test_gradients(run, i):
    left_out = run.case.facts['zero_gradient_names']
    kept = [k for k, name in enumerate(run.case.facts['param_names'])
            if name not in left_out and not name.endswith(KEY_BIAS)]
    expected = run.case.arrays['grad_l2'][i][kept]
    apart = abs(run.seen[i]['l2'][kept] / expected - 1)
    assert np.median(apart) < tolerances.STEP_GRADIENT_MEDIAN[i]
    assert apart.max() < tolerances.STEP_GRADIENT_LARGEST[i]


@each_iteration
def test_parameters(run, i):
    apart = abs(run.seen[i]['parameters'] - run.case.arrays['param_samples'][i])
    apart[noise(run)] = np.nan
    assert np.nanquantile(apart, 0.99) <= tolerances.STEP_PARAMETER[i]


def noise(run):
    """Samples of the parameters whose gradients are 0 but for rounding."""
    names, count = run.case.facts['param_names'], run.case.arrays['param_samples'].shape[2]
    entries = np.zeros((len(names), count), bool)
    for row, name in enumerate(names):
        if name in run.case.facts['zero_gradient_names']:
            entries[row] = True
        elif name.endswith(KEY_BIAS):
            thirds = torch.zeros_like(run.parameters[name]).view(3, -1)
            thirds[1] = 1
            entries[row] = samples_of(thirds, count) == 1
    return entries


def test_teacher(run):
    names = [name for name in run.case.facts['param_names'] if name.startswith('network.')]
    teacher = {published(name): p for name, p in run.method.teacher.network.named_parameters()}
    assert sorted(teacher) == sorted(names)
    expected = run.case.arrays['teacher_samples']
    apart = abs(rows(teacher, names, expected.shape[1]) - expected)
    apart[noise(run)[:len(names)]] = np.nan
    assert np.nanquantile(apart, 0.99) <= tolerances.STEP_PARAMETER[2]


def test_running_statistics(run):
    facts, arrays = run.case.facts, run.case.arrays
    for network, role in ((run.method.model, 'student'),
                          (run.method.teacher.network, 'teacher')):
        buffers = {published(name)[len('network.'):]: b for name, b in network.named_buffers()}
        own = rows(buffers, facts['buffer_names'], 4)
        assert difference(own, arrays[f'{role}_buffer_samples']) < tolerances.STATISTICS, role
        tracked = {buffers[name].item() for name in buffers if name.endswith('batches_tracked')}
        assert tracked == {facts[f'{role}_batches_tracked']}


def test_logits_of_a_test(run):
    img = run.normalized(torch.from_numpy(run.case.arrays['target_img'][0]))
    with torch.no_grad():
        logits = run.method.model.eval().encode_decode(img, None)
    assert list(logits.shape) == run.case.facts['test_logits_shape']
    expected = run.case.arrays['test_logits_samples']
    assert difference(samples_of(logits, expected.size), expected) < tolerances.TEST_LOGITS
