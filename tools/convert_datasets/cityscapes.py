"""Make the train labels and the class statistics of Cityscapes: cityscapes.py data/cityscapes"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg_ssr.commands.convert import run_converter
from mmseg_ssr.labels.conversion import convert_cityscapes

if __name__ == '__main__':
    run_converter(convert_cityscapes, name='Cityscapes', folder='data/cityscapes', published=3475)
