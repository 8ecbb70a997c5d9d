"""Tests of portshare."""
