"""The table of base models, and how one is fetched and loaded."""
