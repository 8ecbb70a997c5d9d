"""Tests of the Home Assistant rooms, with a fake gateway behind them."""
