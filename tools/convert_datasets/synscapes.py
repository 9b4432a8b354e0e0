"""Convert labels, as ``mmseg-ssr convert synscapes`` does."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg_ssr.commands.convert import main

if __name__ == '__main__':
    main(['synscapes', *sys.argv[1:]])
