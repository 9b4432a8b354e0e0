"""A random encoder is the one of the run, or is refused."""
import pytest
from tiny_training import ssr_config

from mmseg_ssr.engine.testing import regularized_branch
from mmseg_ssr.errors import ConfigError


@pytest.mark.parametrize('meta,seed', [(dict(seed=7), 7), (dict(), 0)])
def test_it_is_drawn_by_the_seed_of_the_run(data, config, monkeypatch, meta, seed):
    class Asked(Exception):
        pass

    def build(cfg, seed):
        raise Asked(seed)

    monkeypatch.setattr(regularized_branch, 'build_training_model', build)
    with pytest.raises(Asked, match=f'^{seed}$'):
        regularized_branch.student_and_regularizer(
            config(ssr_config(data)), dict(meta=meta), 'run.pth')


def test_a_random_encoder_that_made_maps_is_refused(data, config):
    sections = ssr_config(data)
    sections['data']['train']['target']['encoder_maps'] = 'maps'
    with pytest.raises(ConfigError, match='its random encoder made maps once, and is not kept'):
        regularized_branch.student_and_regularizer(config(sections), {}, 'run.pth')
