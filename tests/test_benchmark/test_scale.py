"""How time and memory grow, in small."""
import json

import pytest
import torch

from mmseg_ssr.benchmark.cases import Settings
from mmseg_ssr.benchmark.measure import measure
from mmseg_ssr.benchmark.methods import SMALL
from mmseg_ssr.benchmark.scale import folders
from mmseg_ssr.benchmark.scale import run as scale_run
from mmseg_ssr.benchmark.scale.figure import growth_figure
from mmseg_ssr.benchmark.scale.folders import Start
from mmseg_ssr.benchmark.scale.processes import Processes
from mmseg_ssr.benchmark.scale.run import (
    SMALL_VALUES,
    add_growth,
    benchmark_scale,
    parts_growth_table,
    sized_case,
)
from mmseg_ssr.errors import UserError

CPU = torch.device('cpu')


@pytest.mark.slow
def test_starts_and_iterations():
    values = dict(SMALL_VALUES, images=[20], processes=[2])
    report = benchmark_scale(['images', 'batch', 'processes'], values, SMALL,
                             Settings(threads=1, repeats=1))
    cases = report.record['cases']
    assert list(cases) == ['target, 20 images', 'source, 20 images', 'batch 1', 'batch 2',
                           'processes 2']
    assert cases['source, 20 images']['images'] == 20
    assert 1.9 < cases['batch 2']['flops_growth'] < 2.1 and cases['batch 1']['seconds_growth'] == 1
    assert cases['processes 2']['flops'] == 2 * cases['batch 2']['flops']
    assert cases['processes 2']['peak_bytes'] > 1.2 * cases['batch 2']['peak_bytes']
    assert len(report.tables) == 5 and not report.notes
    assert list(report.figures) == ['images_target', 'images_source', 'batch', 'processes']
    assert json.dumps(report.record)


def test_what_needs_no_accelerator_is_measured_on_the_host(monkeypatch):
    for part in list(scale_run.PARTS):
        monkeypatch.setitem(scale_run.PARTS, part, lambda report, part, values, size, settings:
                            report.record['cases'].update({
                                part: (settings.device, settings.calls)}))
    report = benchmark_scale(list(scale_run.PARTS), SMALL_VALUES, SMALL,
                             Settings('cuda:0', calls=5))
    card, host = ('cuda:0', 5), ('cpu', 1)
    assert report.record['cases'] == dict(images=host, crop=card, batch=card,
                                          encoder=card, processes=host)


def test_a_case_has_the_encoder_or_the_size_of_its_name():
    config = sized_case('encoder', 'vit_l', SMALL).arguments['config']
    encoder = config.uda['regularizer']['encoder']
    assert encoder['variant'] == 'vit_l' and encoder['checkpoint'] is None
    assert sized_case('batch', 3, SMALL).arguments['batch'] == 3


def test_libraries_of_several_processes_count_once():
    processes = Processes.__new__(Processes)
    processes.processes = []
    processes.ask = lambda request: [(10, 4), (12, 5)]
    assert processes.finish() == dict(peak_bytes=6 + 7 + 5, library_bytes=5, work_bytes=None)


def test_a_dead_process_is_told():
    processes = Processes(CPU, 1, **sized_case('batch', 1, SMALL).arguments)
    processes.processes[0].kill()
    with pytest.raises(UserError, match='one of 1 training processes died'):
        processes.ask('run')


def test_nothing_measured_is_an_error():
    with pytest.raises(UserError, match='measured: batch 1: .*unknown backbone mit_b9'):
        benchmark_scale(['batch'], dict(batch=[1]), SMALL._replace(backbone='mit_b9'), Settings())


def test_the_source_is_started_from_its_statistics():
    start = Start(CPU, 30, labeled=True)
    start.run()
    dataset, sampler = start.made
    assert len(dataset) == 30 and len(sampler.images) == 19
    assert sum(sampler.pixels.values()) == 8 * sum(range(4000, 4030))
    start.finish()


def test_a_disk_without_room_is_told(monkeypatch):
    def full(path):
        raise OSError(28, 'No space left on device', path)

    monkeypatch.setattr(folders, 'touch', full)
    with pytest.raises(UserError, match='make room there'):
        Start(CPU, 3, labeled=False)


def test_many_targets_start_in_little_memory():
    """A million images take as many times the memory: 500 MB must do, and 20 seconds."""
    start = Start(CPU, 20_000, labeled=False)
    found = measure(start.run, CPU)
    assert len(start.made) == 20_000
    assert found.peak_bytes - found.rest_bytes < 500e6 / 50
    assert start.made.img_infos[-1]['filename'] == '0019999.png'
    start.finish()


def test_growth():
    records = {name: dict(seconds=s, flops=f, peak_bytes=m)
               for name, s, f, m in (('a', 2., 10, 5), ('b', 5., 20, 10))}
    assert add_growth(records) == dict(a=(1, 1, 1), b=(2, 2.5, 2))
    assert records['b']['seconds_growth'] == 2.5 and records['b']['flops_growth'] == 2
    assert records['a']['memory_growth'] == 1


def test_each_part_has_its_growth():
    records = {
        'crop 1': dict(part_seconds=dict(head=2., update=4.), part_flops=dict(head=10)),
        'crop 2': dict(part_seconds=dict(head=6.), part_flops=dict(head=40))}
    rows = parts_growth_table(records).replace(' ', '').splitlines()[2:]
    assert rows == ['|head|2|3.00x/4.00x|', '|update|4|0.00x/-|']


def test_the_figure_names_its_points():
    figure = growth_figure('images', {'10 images': (1, 1, 1), '20 images': (2, 2.5, 1.5)})
    assert b'<svg' in figure and figure.count(b'20 images') == 1
