"""What a trained model is for: predicting any image, and going to other people and programs."""
from .predictor import Prediction, Predictor, load

__all__ = ['Prediction', 'Predictor', 'load']
