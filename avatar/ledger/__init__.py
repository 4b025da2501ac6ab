"""The ledger: jobs, photos' verdicts, deletions, keys of API clients and the outbox; the truth about every order."""
