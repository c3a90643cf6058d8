"""Tests of making a quantizer."""
