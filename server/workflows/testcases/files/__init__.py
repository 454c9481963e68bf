"""Test cases as files for other tools."""
