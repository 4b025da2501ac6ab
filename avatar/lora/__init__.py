"""The fine-tune: a small adapter on a frozen base."""
