"""Reading of a training's work directory for the report."""
import json
import math
import os
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from mmcv import Config

from ..engine.checkpoint.files import checkpoints_in
from ..engine.config.saved import read_plain_config
from ..engine.config.values import method_config
from ..engine.logging.history import read_history
from ..errors import MissingFile, UserError
from ..migration.from_mmseg1 import is_of_mmseg1, to_mmseg0
from ..utils.paths import is_folder, read_text

#: Config keys that the report ignores, because their packages may be missing here.
LOGGING = ('tracker', 'log_config')
Curve = Tuple[List[int], List[float]]


class Run(NamedTuple):
    """One training.

    Attributes:
        name: name of the config, else of the folder. Each run of a report has its own.
        folder: work directory.
        history: records of the log, see :func:`~mmseg_ssr.engine.logging.history.read_history`.
        result: content of ``result.json``, empty if the file is missing.
        config: config of the training, or None if it is missing.
        checkpoint: path of the newest checkpoint, or None.
        missing: one line for each missing file.
    """
    name: str
    folder: str
    history: Sequence[Dict[str, Any]] = ()
    result: Dict[str, Any] = {}
    config: Optional[Config] = None
    checkpoint: Optional[str] = None
    missing: Sequence[str] = ()

    def curve(self, key: str, mode: str = 'train') -> Curve:
        """Return iterations and values of a logged number, in the order of the log."""
        found = [(record['iter'], record[key]) for record in self.history
                 if record.get('mode') == mode and isinstance(record.get(key), (int, float))]
        return [x for x, _ in found], [y for _, y in found]

    @property
    def terms(self) -> List[str]:
        """Names of the loss terms, their sum last."""
        names = dict.fromkeys(name for record in self.history if record.get('mode') == 'train'
                              for name in record if 'loss' in name)
        return [name for name in names if name != 'loss'] + [name for name in names
                                                              if name == 'loss']

    @property
    def method(self) -> str:
        """Short name of the method, taken from the config."""
        if not self.config:
            return '-'
        method = method_config(self.config)
        if not method:
            return 'supervised'
        if method.get('source_only'):
            return 'source-only'
        return method['type'] + (' + MIC' if method.get('mask_mode') else '')

    @property
    def class_ious(self) -> Dict[str, float]:
        """IoU in percent by class, from the test after the training or else the last evaluation."""
        return {name[4:]: math.nan if value is None else value
                for name, value in self._scores().items() if name.startswith('IoU.')}

    @property
    def set_mious(self) -> Dict[str, float]:
        """mIoU in percent of each of several test sets by its number. One set alone has none."""
        found = {re.match(r'(\d+)_mIoU$', name): value for name, value in self._scores().items()}
        return {match[1]: value for match, value in found.items() if match}

    def _scores(self) -> Dict[str, float]:
        """Scores in percent, from the test after the training or else the last evaluation."""
        last = [record for record in self.history if 'mIoU' in record][-1:]
        return self.result.get('scores') or {
            name: 100 * value for record in last for name, value in record.items()
            if isinstance(value, float)}

    @property
    def miou(self) -> Optional[float]:
        """mIoU in percent, from the test after the training or else the last evaluation."""
        if 'mIoU' in self.result:
            return self.result['mIoU']
        values = self.curve('mIoU', 'val')[1]
        return 100 * values[-1] if values else None


def read_runs(folders: Sequence[str]) -> List[Run]:
    """Read the trainings of several work directories, each once, with distinct names.

    The names are those of the configs. If these are not distinct, the runs get the names of their
    folders, or else their whole paths.

    Raises:
        MissingFile: a folder is missing, or holds no file of a training.
    """
    runs = [read_run(folder) for folder in {os.path.realpath(folder): folder
                                            for folder in folders}.values()]
    for name in (lambda run: run.name, _folder_name, lambda run: os.path.normpath(run.folder)):
        named = [run._replace(name=name(run)) for run in runs]
        if len({run.name for run in named}) == len(runs):
            break
    return named


def _folder_name(run: Run) -> str:
    return os.path.basename(os.path.normpath(run.folder))


def read_run(folder: str) -> Run:
    """Read the training of one work directory, see :func:`read_runs`."""
    if not is_folder(folder):
        raise MissingFile(f'{folder} is no folder: give the work directory of a training')
    missing: List[str] = []
    history = read_history(folder)
    if not history:
        missing.append('curves: no log with records (<time>.log.json)')
    checkpoint = next(iter(checkpoints_in(folder)), None)
    if not history and not checkpoint:
        raise MissingFile(f'{folder} holds neither the log (<time>.log.json) nor a checkpoint '
                          '(iter_N.pth) of a training: give its work directory')
    result, config = _result(folder, missing), _config(folder, missing)
    name = (config or {}).get('name') or result.get('name') or os.path.basename(
        os.path.normpath(folder))
    return Run(name, folder, history, result, config, checkpoint, missing)


def _result(folder: str, missing: List[str]) -> Dict[str, Any]:
    try:
        result = json.loads(read_text(os.path.join(folder, 'result.json'), 'result'))
        return result if isinstance(result, dict) else {}
    except FileNotFoundError:
        missing.append('the test after the training: no result.json, so scores come from the '
                       'last evaluation')
    except UserError as error:
        missing.append(f'the test after the training: {error}')
    except ValueError:
        missing.append('the test after the training: result.json is damaged')
    return {}


def _config(folder: str, missing: List[str]) -> Optional[Config]:
    path = os.path.join(folder, 'config.py')
    of_mmengine = sorted(Path(folder).glob('*/vis_data/config.py'))
    if of_mmengine and not os.path.exists(path):
        path = str(of_mmengine[-1])
    try:
        config = read_plain_config(read_text(path, 'config file'), path)
        if is_of_mmseg1(config):
            config = Config(to_mmseg0(config))
        for key in LOGGING:
            config.pop(key, None)
        return config
    except FileNotFoundError:
        missing.append('all that needs the config: no config.py')
    except (UserError, ValueError) as error:
        missing.append(f'all that needs the config: {error}')
    return None
