"""What can be seen of a running service: answers, metrics, traces, the access log."""
