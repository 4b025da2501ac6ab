"""Webhooks: signed messages about a client's jobs, from the outbox to addresses that are looked at first."""
