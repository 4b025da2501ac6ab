"""The Celery side; the service adds its tasks here."""
