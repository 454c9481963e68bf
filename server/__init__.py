"""Holdfast: the same request is one task, and nothing of it is ever lost."""

__version__ = "0.1.0"
