"""The data types of the pipeline: frozen, typed and free of I/O.

Most are `msgspec.Struct`s, so `msgspec.json` writes and reads them without a separate schema.
"""
