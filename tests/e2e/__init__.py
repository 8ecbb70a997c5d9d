"""Tests of the whole: Home Assistant on a gateway, called from an internet."""
