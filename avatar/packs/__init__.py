"""A style pack to the pictures that are delivered."""
