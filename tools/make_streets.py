"""Draw the Streets data set in the layouts of GTA5 and Cityscapes, or of other data sets."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.make_streets import main

if __name__ == '__main__':
    main()
