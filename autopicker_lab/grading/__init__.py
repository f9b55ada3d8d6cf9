"""Grading: how right an answer is, by a rule, by code that runs shut in, by another model, or by a person's own."""
