"""Chat completions over HTTP: the body, the application, its event streams, and single flight."""
