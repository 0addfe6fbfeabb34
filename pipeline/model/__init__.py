"""The nouns of the pipeline: frozen, typed, and free of any I/O.

Every one is a `msgspec.Struct`, so that `msgspec.json` writes and reads it without a schema beside it.
"""
