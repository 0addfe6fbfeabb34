"""The article's own page: HTML without scripts, with its linked data and the addresses of its other forms."""

from __future__ import annotations

from pipeline.model.article import Image
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts.markup import attributes
from pipeline.renditions.parts.uri import address
from pipeline.renditions.parts.webpage import web_page
from pipeline.renditions.parts.withdrawn_page import withdrawn_page


def render(revision: Revision, site: Site) -> bytes:
    return web_page("page.html.j2", revision, site, image=_image)


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    return withdrawn_page(withdrawal, site)


def _image(image: Image) -> str:
    """Return an `img`, or "" if its address is not usable. Invalid sizes are left out."""
    src = address(image.src)
    if src is None:
        return ""
    sized = image.width and image.height and min(image.width, image.height) > 0
    values = attributes(
        src=src,
        alt=image.alt,
        width=image.width if sized else None,
        height=image.height if sized else None,
        loading="lazy",
        decoding="async",
    )
    return f"<img{values}>"


FORMAT = Format(name="html", media_type="text/html", extension="html", render=render, tombstone=tombstone)
