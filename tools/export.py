"""Write a trained model in formats for other programs, with a model card."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.export import main

if __name__ == '__main__':
    main()
