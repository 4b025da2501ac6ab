"""The ledger's history: one file a change, applied in order by `avatar.ledger.history.upgrade`."""
