"""Write one HTML page about one or several trainings: curves, classes, images, attention."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.report import main

if __name__ == '__main__':
    main()
