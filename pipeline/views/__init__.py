"""The answers that the API and the commands' `--json` share: frozen dataclasses, and the queries that fill them.

The classes are the schema. FastAPI generates the OpenAPI description from them, and `--json` encodes the same objects,
so that an answer cannot differ between the two. Fields are only ever added.
"""
