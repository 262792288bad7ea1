"""Everything slow, on Celery queues: indexing, answering, housekeeping."""
