"""The HTTP API: the same for a mobile app's back end and for the page."""
