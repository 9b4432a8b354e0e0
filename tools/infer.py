"""Predict images, folders, globs, videos or a camera with a trained model."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg_ssr.commands.predict import main

if __name__ == '__main__':
    main()
