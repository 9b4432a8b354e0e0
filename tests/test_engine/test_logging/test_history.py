import json

from mmseg_ssr.engine.logging.history import read_history


def write(path, *records, cut=0):
    text = ''.join(json.dumps(record) + '\n' for record in records)
    path.write_text(text[:len(text) - cut])


def train(iteration, loss):
    return dict(mode='train', iter=iteration, loss=loss)


def val(iteration, score):
    return dict(mode='val', iter=iteration, mIoU=score)


def test_what_was_logged_last_counts(tmp_path):
    write(tmp_path / '20261121_095605.log.json', dict(seed=0), train(2, 0.1), val(3, 0.2),
          train(4, 0.3), val(6, 0.4), train(6, 0.5))
    write(tmp_path / '20261121_095605_01.log.json', dict(seed=0, iter=3), train(4, 1.3),
          train(6, 1.5))
    write(tmp_path / '20261121_095700.log.json', dict(seed=0, iter=5), train(6, 2.5), val(6, 2.4))
    assert read_history(tmp_path) == [train(2, 0.1), val(3, 0.2), train(4, 1.3), train(6, 2.5),
                                      val(6, 2.4)]


def test_a_training_begun_anew_is_another(tmp_path):
    write(tmp_path / '1.log.json', dict(seed=0), train(2, 0.1))
    write(tmp_path / '2.log.json', dict(seed=0), train(2, 0.7))
    assert read_history(tmp_path) == [train(2, 0.7)]


def test_lines_cut_off_by_a_kill(tmp_path):
    write(tmp_path / '1.log.json', dict(seed=0), train(2, 0.1), train(4, 0.2), cut=5)
    write(tmp_path / '2.log.json', dict(seed=0), cut=3)
    assert read_history(tmp_path) == [train(2, 0.1)]


def test_nothing_there(tmp_path):
    assert read_history(tmp_path) == []
