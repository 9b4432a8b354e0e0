from tiny_training import ssr_config

from mmseg_ssr.commands import encoder_maps


def test_the_command_makes_maps_and_counts_them(data, config_file, tmp_path, capsys):
    sections = ssr_config(data)
    for domain in ('source', 'target'):
        sections['data']['train'][domain]['encoder_maps'] = str(tmp_path / domain)
    encoder_maps.main([config_file(sections), '--device', 'cpu'])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f'{tmp_path}/source: 6 of 6 new maps',
                     f'{tmp_path}/target: 4 of 4 new maps', '10 new maps in all']
    assert len(list((tmp_path / 'source').rglob('*.npy'))) == 6
