"""Download pretrained weights by name."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.weights import main

if __name__ == '__main__':
    main()
