"""Predict all inputs one after the other, and report the faults."""
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from tqdm import tqdm

from ..errors import DataError, MissingFile, explained, is_wrong_value, one_line, said
from ..utils.device import lacks_memory
from .inputs import Input, check_complete, open_video
from .outputs import Results
from .predictor import Prediction, Predictor

#: Progress in images per second, even below one.
BAR = '{desc}: {n_fmt}/{total_fmt} {bar} {rate_noinv_fmt}, {remaining} left'


class Outcome(NamedTuple):
    """The result of predicting all inputs.

    Attributes:
        images: number of predicted images, frames included.
        seconds: time for reading, predicting and writing.
        faults: a line for each input that has no result, or not for all its frames.
    """
    images: int
    seconds: float
    faults: List[str]


def predict_all(predictor: Predictor, inputs: Sequence[Input], results: Results,
                most_frames: Optional[int] = None) -> Outcome:
    """Predict the inputs and write the results. A damaged input does not stop the others.

    A progress bar on standard error shows the images per second.

    Args:
        most_frames: largest number of frames to predict from each video or camera.

    Raises:
        ConfigError: the config does not work on any image.
        DataError: a result would replace an input; nothing is written.
        UserError: a result cannot be written.
    """
    results.check_inputs(inputs)
    start, images, faults = time.perf_counter(), 0, []
    with tqdm(total=len(inputs), desc='predict', unit=' images', bar_format=BAR,
              mininterval=0.5) as bar:
        for item in inputs:
            try:
                for _ in _predict(predictor, item, results, most_frames, bar):
                    if not images:  # a legend without results would not be recognized as ours
                        results.write_legend()
                    images += 1
                    bar.update()
            except (DataError, MissingFile) as error:
                faults.append(one_line(error))
    return Outcome(images, time.perf_counter() - start, faults)


def _predict(predictor: Predictor, item: Input, results: Results, most_frames: Optional[int],
             bar: tqdm) -> Iterator[None]:
    """Yield once for each image or frame that has been written."""
    if not item.is_video:
        loaded = predictor.preparation.read(item.path)
        results.write(item.name, predicted(predictor, loaded, item.path))
        yield
        return
    if predictor.preparation.own_step:
        raise DataError(f'{item.path} is a video, and {predictor.preparation.own_step} in '
                        'data.test.pipeline loads image files alone: save its frames as images')
    with open_video(item.path, most_frames) as video, \
            results.video(item.name, video.rate) as write:
        if bar.total is not None:
            bar.total = None if video.count is None else bar.total - 1 + video.count
        count = 0
        for count, frame in enumerate(video.images, 1):
            write(predicted(predictor, predictor.preparation.loaded(frame),
                            f'frame {count} of {item.path}'))
            yield
    if not count:
        raise DataError(f'no frame of {item.path} can be read')
    if count != most_frames:
        check_complete(item.path, count)


def predicted(predictor: Predictor, loaded: Dict[str, Any], name: str) -> Prediction:
    """Predict what :meth:`.Preparation.read` gives, or say the name and size of the image.

    Raises:
        DataError: it cannot be predicted.
    """
    height, width = loaded['img'].shape[:2]

    def meaning(error: Exception) -> Optional[DataError]:
        if not is_wrong_value(error):
            return None
        remedy = '; --mode slide or a smaller --scale need less' if lacks_memory(error) else ''
        return DataError(f'{name}, {width} x {height} pixels, cannot be predicted: '
                         f'{said(error)}{remedy}')

    with explained(meaning):
        return predictor.predict_loaded(loaded)
