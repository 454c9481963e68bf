"""What a model adds to the reading."""
