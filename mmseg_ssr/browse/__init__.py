"""Pictures of what a training will see, before it starts."""
