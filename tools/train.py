"""Train one config, with the arguments of mmseg's train script."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.scripts.train import main

if __name__ == '__main__':
    main()
