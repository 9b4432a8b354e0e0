"""Use of a trained model: predicting images, and exporting to other people and programs."""
from .predictor import Prediction, Predictor, load

__all__ = ['Prediction', 'Predictor', 'load']
