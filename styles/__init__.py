"""The style packs, one folder each; data only."""
