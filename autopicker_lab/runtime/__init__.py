"""Mechanisms that know no model and no file: threads and event loops, processes, limits, caches, breakers, writers."""
