"""What tells a picture's viewer that it was generated."""
