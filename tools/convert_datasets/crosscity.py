"""Make the train ids of NTHU Cross-City's test labels: crosscity.py data/NTHU_Datasets"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg_ssr.commands.convert import run_converter
from mmseg_ssr.labels.conversion import convert_crosscity

if __name__ == '__main__':
    run_converter(convert_crosscity, name='NTHU Cross-City', folder='data/NTHU_Datasets',
                  published=400)
