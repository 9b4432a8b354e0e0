import json

from tiny_training import ssr_config

TOOL = 'tools/probe_encoders.py'
NAMES = {f'{domain}_{measure}' for domain in ('source', 'target')
         for measure in ('accuracy', 'mIoU')}


def test_encoders_and_a_student_side_by_side(tool, untrained, tmp_path, capsys):
    tool(TOOL).main(['--images', '2', '--steps', '50', '--json', str(tmp_path / 'probe.json'),
                     '--student', str(untrained)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(' | ')[0] for line in lines[2:]] == [
        '| mini SAM', '| random encoder', f'| student {untrained}']
    scores = json.loads((tmp_path / 'probe.json').read_text())
    for (run, ) in scores.values():
        assert set(run) == NAMES and all(0 <= value <= 100 for value in run.values())
    assert scores['mini SAM'] != scores['random encoder']


def test_a_configs_encoder_and_backbone_on_its_own_data(tool, data, config_file, tmp_path):
    tool(TOOL).main([config_file(ssr_config(data)), '--images', '2', '--steps', '20',
                     '--seeds', '2', '--json', str(tmp_path / 'probe.json')])
    scores = json.loads((tmp_path / 'probe.json').read_text())
    assert list(scores) == ['encoder at 32', 'random encoder', "student's backbone", 'mini SAM']
    assert all(len(runs) == 2 and set(runs[0]) == NAMES for runs in scores.values())


def test_bad_values(fails):
    assert '--input-size is for a config' in fails(TOOL, '--input-size', 64)
    assert '--images must be at least 1, got 0' in fails(TOOL, '--images', 0)
    assert 'no/such.pth is missing' in fails(TOOL, '--weights', 'no/such.pth')
