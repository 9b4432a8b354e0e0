"""The tables of the papers as data: which configs, which seeds, which numbers to expect."""
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple


@dataclass(frozen=True)
class Row:
    """One line of a table: a config, trained once for every seed.

    Attributes:
        name: unique in its table; the folder of its results begins with it.
        published: mIoU on the Cityscapes validation set in percent, mean over the seeds of the
            paper; None where no paper states it.
        overrides: what differs from the config, as in ``--cfg-options``.
    """
    name: str
    config: str
    published: Optional[float] = None
    seeds: Tuple[int, ...] = (0, 1, 2)
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """A table of a paper.

    Attributes:
        id: what ``run_experiments.py --exp`` is given.
        source: paper and table.
    """
    id: str
    title: str
    source: str
    rows: Tuple[Row, ...]


SSR = 'SSR, arXiv 2401.14686'
DAFORMER = 'DAFormer, arXiv 2111.14887'
MIC = 'MIC, arXiv 2212.01322'

daformer = Row('daformer', 'configs/daformer/gta2cs_daformer_mitb5.py', published=68.3)
mic = Row('mic_daformer', 'configs/mic/gta2cs_mic_daformer_mitb5.py', published=70.6)

EXPERIMENTS: List[Experiment] = [
    Experiment(
        'demo', 'Streets, the embedded data: minutes on a CPU', 'this repository',
        tuple(Row(name, f'configs/demo/{name}.py', seeds=(0, ))
              for name in ('source_only', 'daformer', 'daformer_ssr'))),
    Experiment(
        'ssr', 'GTA -> Cityscapes with and without SSR', SSR,
        (daformer, Row('daformer_ssr', 'configs/sam/daformer_sam_vit_b.py'),
         mic, Row('mic_daformer_ssr', 'configs/sam/daformer_mic_sam_vit_b.py'))),
    Experiment(
        'ssr-stages', 'Which backbone stages SAM regularises', f'{SSR}, Table I',
        tuple(Row('stages_' + ''.join(str(stage) for stage in stages),
                  'configs/sam/daformer_sam_vit_b.py', overrides={'uda.stop_stage': stages})
              for stages in ([0], [0, 1], [0, 1, 2], [0, 1, 2, 3]))),
    Experiment(
        'daformer', 'DAFormer with its lower and upper bound', DAFORMER,
        (Row('source_only', 'configs/daformer/gta2cs_source_only_mitb5.py'),
         daformer,
         Row('oracle', 'configs/daformer/cs_oracle_mitb5.py'))),
    Experiment('mic', 'MIC on DAFormer', MIC, (mic, )),
]


def by_id() -> Dict[str, Experiment]:
    """The experiments by their ids."""
    return {experiment.id: experiment for experiment in EXPERIMENTS}
