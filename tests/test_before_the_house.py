"""A work directory of the state before the rearrangement tests, resumes and reports today.

See data/before_the_house/README.md for the commit and the commands that wrote it.
"""
import json
import shutil
from pathlib import Path

import pytest
import torch

from mmseg_ssr.engine.build import build_test_model
from mmseg_ssr.engine.checkpoint.files import read_checkpoint, write_checkpoint
from mmseg_ssr.engine.checkpoint.weights import load_weights, network_weights
from mmseg_ssr.engine.config.load import load_config
from mmseg_ssr.engine.experiments.run import finished_result, train_and_test
from mmseg_ssr.engine.experiments.run import test_checkpoint as score
from mmseg_ssr.engine.logging.history import read_history
from mmseg_ssr.report.write import write_report

WRITTEN = Path(__file__).parent / 'data' / 'before_the_house'
CPU = torch.device('cpu')
MEASURED = ('time', 'data_time', 'memory')


@pytest.fixture
def work_dir(data, tmp_path, monkeypatch):
    """A copy of the work directory, beside the data that its config names."""
    (tmp_path / 'data').symlink_to(data)
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(WRITTEN, 'work_dirs/before_the_house')


def comparable(records):
    """Records without what the machine decides; a pixel more or less is 0.05 % of a batch."""
    return [{key: pytest.approx(value, rel=1e-4, abs=0.1 if 'acc_seg' in key else 1e-4)
             if isinstance(value, float) else value
             for key, value in record.items() if key not in MEASURED} for record in records]


@pytest.mark.parametrize('role', ['student', 'teacher'])
def test_the_checkpoint_has_the_weights_of_the_plain_segmentor(role):
    model = build_test_model(load_config(str(WRITTEN / 'config.py')))
    path = str(WRITTEN / 'iter_4.pth')
    load_weights(model, path, role)
    written = network_weights(read_checkpoint(path), role)
    assert written.keys() == model.state_dict().keys()
    assert all(torch.equal(value, written[name]) for name, value in model.state_dict().items())


def test_the_checkpoint_scores_the_same(work_dir):
    values, meta = score(load_config(f'{work_dir}/config.py'), f'{work_dir}/iter_4.pth', work_dir,
                         CPU)
    recorded = json.loads((WRITTEN / 'eval.json').read_text())['metric']
    assert values == pytest.approx({name: 100 * share for name, share in recorded.items()},
                                   abs=0.02)
    assert meta['iter'] == 4 and values['mIoU'] > 5


def test_the_training_goes_on_to_the_recorded_end(work_dir):
    expected, earlier = read_history(WRITTEN), json.loads((WRITTEN / 'result.json').read_text())
    result = train_and_test(load_config(f'{work_dir}/config.py'), work_dir, CPU,
                            resume_from='auto', deterministic=True)
    history = read_history(work_dir)
    assert len(list(Path(work_dir).glob('*.log.json'))) == 2
    assert [record['iter'] for record in history] == [2, 3, 4, 6, 6]
    assert [{key: value for key, value in record.items() if key not in MEASURED}
            for record in history] == comparable(expected)
    assert result.keys() == earlier.keys()
    assert result['config'] == earlier['config']
    assert result['scores'] == pytest.approx(earlier['scores'], abs=0.02)


def test_variables_that_have_gone_from_the_configs_do_not_matter(work_dir):
    """The shipped configs had six of them, which nothing read: name_dataset and others."""
    gone = "name_uda = 'dacs_a999_fdthings_rcs0.01_cpl'\n"
    cfg, path = load_config(f'{work_dir}/config.py'), f'{work_dir}/iter_4.pth'
    content = read_checkpoint(path)
    content['meta']['config'] += gone
    write_checkpoint(content, path)
    file = Path(work_dir, 'result.json')
    result = json.loads(file.read_text())
    file.write_text(json.dumps(dict(result, config=result['config'] + gone)))
    assert finished_result(work_dir, cfg) is not None
    assert train_and_test(cfg, work_dir, CPU, resume_from='auto')['iterations'] == 6


def test_the_report_shows_everything(work_dir):
    page = Path(write_report([work_dir], device=CPU)).read_text()
    for part in ('Details of before_the_house', 'SSR + MIC', '4.37', 'id="curves"', 'id="classes"',
                 '>Regularization</h3>'):
        assert part in page
    assert 'id="left-out"' not in page
