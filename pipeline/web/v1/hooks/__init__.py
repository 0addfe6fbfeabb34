"""Publish hooks of content management systems. Each module turns a request's body into a `Post`."""
