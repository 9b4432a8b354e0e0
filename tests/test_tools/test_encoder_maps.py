from tiny_training import ssr_config

from mmseg_ssr.commands import encoder_maps


def test_the_command_makes_maps_and_counts_them(data, config_file, tmp_path, capsys):
    encoder_maps.main([config_file(ssr_config(data)), '--device', 'cpu', '--cfg-options',
                       'uda.mixed_maps=composed',
                       *(f'data.train.{domain}.encoder_maps={tmp_path / domain}'
                         for domain in ('source', 'target'))])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f'{tmp_path}/source: 6 of 6 new maps',
                     f'{tmp_path}/target: 4 of 4 new maps', '10 new maps in all']
    assert len(list((tmp_path / 'source').rglob('*.npy'))) == 6


def test_a_folder_that_is_no_path_ends_the_command_in_one_line(fails, data, config_file):
    sections = ssr_config(data)
    sections['data']['train']['source']['encoder_maps'] = 5
    assert 'source.encoder_maps must be the path of a folder' in fails(
        'encoder_maps', config_file(sections))
