"""Chat completions over HTTP: the application, its event streams, and single flight."""
