"""Avatar: selfies in, a themed pack of pictures that look like the person out, and nothing left behind."""
