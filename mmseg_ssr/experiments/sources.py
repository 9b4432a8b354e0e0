"""Where published numbers stand, and how they differ from the measured ones."""
from .table import NOT_CHECKED

SSR = 'SSR, arXiv 2401.14686'
SSR_STAGES = f'{SSR}, Table I'
SSR_METHODS = f'{SSR}, Table II'
DAFORMER = 'DAFormer, arXiv 2111.14887'
HRDA = 'HRDA, arXiv 2204.13132'
MIC = 'MIC, arXiv 2212.01322'
VFM_UDA = 'VFM-UDA, arXiv 2406.09896'
HRDA_README = 'README of github.com/lhoyer/HRDA'  # it quotes DAFormer's numbers too
MIN_ENT = f'ADVENT, arXiv 1811.12833, Table 1 ({NOT_CHECKED})'
ADAPT_SEG_NET = f'AdaptSegNet, arXiv 1802.10349, Table 1 ({NOT_CHECKED})'
MIC_DLV2 = f'{MIC}, Table 1 ({NOT_CHECKED})'  # of HRDA and DAFormer too
MAX_SQUARE = 'MaxSquare, arXiv 1909.13589'
MAX_SQUARE_README = 'README of github.com/ZJULearning/MaxSquareLoss'
VFM_README = 'README of github.com/tue-mps/vfm-uda'

ON_TEST = 'published on the test split (benchmark server), measured on the validation split'
ONE_STAGE = 'from ImageNet weights and without flip testing, as its own paper trains it'
MIN_ENT_WEIGHT = 'the weight is that of its own paper, MaxSquare\'s README states none'
MIC_BY_SSR = ('its own paper prints 70.6, SSR\'s table 70.1; the classes in that table average to '
              '70.2')
OTHER_TRAINING = ('the published row is a training by others; here DACS trains with DAFormer\'s '
                  'optimizer')
ADJUSTED_DACS = ('the published row is the paper\'s own training; here the predictions of DACS get '
                 'its inference adjustment')
RETRAINED = 'the number is of the published checkpoint, trained anew; the paper has others'
