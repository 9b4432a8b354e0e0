"""Pictures of a training's input, made before it starts."""
