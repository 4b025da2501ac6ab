"""What an operator sees of the service: figures for Prometheus, and whether claims work."""
