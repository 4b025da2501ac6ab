"""Untrusted bytes to checked pictures of one adult."""
