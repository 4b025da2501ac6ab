"""What must go and by when, making it go, and the proof."""
