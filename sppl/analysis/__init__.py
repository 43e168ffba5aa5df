"""Ranking, correlation, resampling and tables as pure functions: frames in, frames out."""
