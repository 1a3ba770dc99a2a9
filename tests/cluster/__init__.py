"""Tests against real services that they start themselves; skipped where programs are missing."""
