"""A published implementation by its path: a stand-in with the interface of the real ones."""
import textwrap

import pytest

from mmseg_ssr.benchmark.cases import Settings
from mmseg_ssr.benchmark.methods import SMALL
from mmseg_ssr.benchmark.step import benchmark_step

#: As MIC's: a check of mmcv's version, a builder, a method that is told a device by name and reads
#: SAM from a file.
BUILDER = '''
    import sys
    import kornia, mmcv, numpy as np, torch
    from segment_anything import sam_model_registry

    assert mmcv.__version__ <= '1.4.0', mmcv.__version__
    assert 'mmseg_ssr' not in sys.modules
    print('this must not reach the table')
    np.float(1)
    kornia.augmentation.ColorJitter(brightness=.1, contrast=.1, saturation=.1, hue=.1)(
        torch.rand(1, 3, 8, 8))
    kornia.filters.GaussianBlur2d(kernel_size=(3, 3), sigma=(1., 1.))(torch.rand(1, 3, 8, 8))


    class Method(torch.nn.Module):

        def __init__(self, cfg):
            super().__init__()
            uda = cfg.uda
            assert uda['type'] == 'SSR' and uda['mask_mode'] is None and 'joint_views' not in uda
            assert uda['stop_stage'] == [0, 1, 2, 3] and cfg.model.pretrained is None
            assert cfg.model.train_cfg['log_config']['img_interval'] > 1000
            sam = sam_model_registry[uda['sam_model_registry']](checkpoint='pretrained/none.pth')
            self.predictor = sam.image_encoder.to('nowhere:7')
            self.layer = torch.nn.Conv2d(3, cfg.model.decode_head.num_classes, 1)

        def init_weights(self):
            pass

        def train_step(self, data, optimizer):
            assert self.training and data['gt_semantic_seg'].shape == (2, 1, 64, 64)
            optimizer.zero_grad()
            self.layer(data['img'] + data['target_img']).mean().backward()
            optimizer.step()


    def build_train_model(cfg):
        return Method(cfg)
    '''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'mmseg' / 'models').mkdir(parents=True)
    (tmp_path / 'mmseg' / '__init__.py').write_text('')
    (tmp_path / 'mmseg' / 'models' / '__init__.py').write_text('')
    (tmp_path / 'mmseg' / 'models' / 'builder.py').write_text(textwrap.dedent(BUILDER))
    return tmp_path


def test_it_is_timed_beside_ours(folder):
    report = benchmark_step(['daformer_ssr'], ['exact'], SMALL, Settings(threads=1, repeats=1),
                            str(folder), parts=False)
    assert not report.notes[:-1]  # the last one tells the matrix rate
    ours, published = (report.record['cases'][f'daformer_ssr/{mode}']
                       for mode in ('exact', 'published'))
    assert published['flops'] == 2 * 2 * (2 * 64 * 64 * 3 * 19)  # forward, gradient of weights
    assert ours['published_speed_ratio'] == published['seconds'] / ours['seconds']
    assert ours['published_memory_ratio'] == ours['peak_bytes'] / published['peak_bytes']
    assert 'part_seconds' not in ours and len(report.tables) == 1
