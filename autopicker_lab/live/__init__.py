"""The loop on live traffic: exploration with true propensities."""
