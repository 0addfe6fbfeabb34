"""Everything that is a process: Celery's workers and beat, the embedded system, the command line."""
