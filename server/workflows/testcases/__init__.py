"""Test cases from requirements."""
