"""Requirements in prose → what they say, piece by piece."""
