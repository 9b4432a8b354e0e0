"""Make the train labels and the class statistics of GTA5: gta.py data/gta --nproc 8"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg_ssr.commands.convert import run_converter
from mmseg_ssr.labels.conversion import convert_gta

if __name__ == '__main__':
    run_converter(convert_gta, name='GTA5', folder='data/gta', published=24966)
