"""Report faults of the installation, weights and data, in the order in which to mend them."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.doctor import main

if __name__ == '__main__':
    main()
