"""Encrypted objects, each job under its own key."""
