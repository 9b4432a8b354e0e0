"""Copy the weights of a file alone, so that reading them can run no code."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.plain_weights import main

if __name__ == '__main__':
    main()
