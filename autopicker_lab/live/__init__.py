"""The loop on live traffic: exploration, signals, shadow, deployments and canaries (see README.md)."""
