"""Two processes of gloo with batch 1 train as one process with batch 2 does."""
import multiprocessing
import os
import socket

import pytest
import tiny_mmseg1
import torch
from mmengine.config import Config
from mmengine.runner import Runner

ITERATIONS = 2


def model() -> dict:
    """Without dropout and stochastic depth, whose draws differ between processes."""
    network = tiny_mmseg1.tiny_model()
    network['backbone']['drop_path_rate'] = 0.
    network['decode_head']['dropout_ratio'] = 0.
    return tiny_mmseg1.method(model=network, **tiny_mmseg1.MIC)


def train(data: str, folder: str, batch: int, launcher: str) -> None:
    """Train, and let process 0 write the weights of student and teacher."""
    cfg = tiny_mmseg1.sections(data, model(), ITERATIONS, batch=batch)
    cfg.update(work_dir=folder, launcher=launcher, val_dataloader=None, val_evaluator=None,
               val_cfg=None, model_wrapper_cfg=dict(type='SelfTrainingParallel'))
    del cfg['train_cfg']['val_interval']
    runner = Runner.from_cfg(Config(cfg))
    runner.train()


def worker(rank: int, port: int, *arguments: object) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2',
                      MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), OMP_NUM_THREADS='1')
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo')  # mmengine's launcher asks for a GPU
    import mmseg_ssr  # noqa: F401  (fills the registries)
    train(*arguments)


def test_two_processes_are_one(data, tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context('spawn')
    both = [context.Process(target=worker, args=(rank, port, str(data), str(tmp_path / 'two'), 1,
                                                 'pytorch'), daemon=True) for rank in range(2)]
    for process in both:
        process.start()
    train(str(data), str(tmp_path / 'one'), 2, 'none')
    for process in both:
        process.join(400)
    assert [process.exitcode for process in both] == [0, 0]
    one, two = (torch.load(tmp_path / name / f'iter_{ITERATIONS}.pth', weights_only=True)
                for name in ('one', 'two'))
    for name, weights in one['state_dict'].items():
        assert torch.allclose(weights, two['state_dict'][name], atol=2e-5), name
    assert one['training_state']['iteration'] == two['training_state']['iteration'] == ITERATIONS


def test_without_the_wrapper_it_is_named(data):
    from mmseg.registry import MODELS

    from mmseg_ssr.errors import ConfigError
    with pytest.raises(ConfigError, match='SelfTrainingParallel'):
        MODELS.build(model()).loss(torch.zeros(1, 3, 32, 32), [])
