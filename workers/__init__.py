"""Everything that is a process: Celery's workers, the embedded system, the command line."""
