"""The base model that ships with the package: drawn people, how it was trained, its weights."""
