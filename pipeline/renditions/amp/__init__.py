"""AMP: the article's page in the HTML that AMP caches take, without any component but its images.

Everything works without AMP's own script: contents, sharing and tables need none, and each image has a `noscript`
fallback.
"""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.model.article import Image
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.amp.shallow import shallow_blocks, shallow_inlines, shallow_sections
from pipeline.renditions.parts.markup import attributes
from pipeline.renditions.parts.uri import address
from pipeline.renditions.parts.webpage import web_page
from pipeline.renditions.parts.withdrawn_page import withdrawn_page

# Word for word as AMP's specification has it; the validator takes no other.
_ANIMATION = "-amp-start 8s steps(1,end) 0s 1 normal both"
_FRAMES = "-amp-start{from{visibility:hidden}to{visibility:visible}}"
_PREFIXES = ("-webkit-", "-moz-", "-ms-", "")
BOILERPLATE = (
    "<style amp-boilerplate>"
    f"body{{{';'.join(f'{prefix}animation:{_ANIMATION}' for prefix in _PREFIXES)}}}"
    f"{''.join(f'@{prefix}keyframes {_FRAMES}' for prefix in ('-webkit-', '-moz-', '-ms-', '-o-', ''))}"
    "</style><noscript><style amp-boilerplate>"
    "body{-webkit-animation:none;-moz-animation:none;-ms-animation:none;animation:none}"
    "</style></noscript>"
)
RUNTIME = '<script async src="https://cdn.ampproject.org/v0.js"></script>'

_ROOM = 90  # elements within each other in the body; the validator falls over at some 115, of which the page takes 6
_UNKNOWN = (1200, 675)  # the shape of the box for an image of unknown size


def render(revision: Revision, site: Site) -> bytes:
    article = revision.article
    lead, sections = shallow_blocks(article.lead, _ROOM), shallow_sections(article.sections, _ROOM)
    answer, title = shallow_inlines(article.marked_answer, _ROOM - 1), shallow_inlines(article.marked_title, _ROOM - 1)
    shallow = replace(article, lead=lead, sections=sections, marked_answer=answer, marked_title=title)
    revision = replace(revision, article=shallow)
    return web_page("amp.html.j2", revision, site, image=_image, runtime=RUNTIME, boilerplate=BOILERPLATE)


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    return withdrawn_page(withdrawal, site, root=" amp", style=" amp-custom", head=RUNTIME + BOILERPLATE)


def _image(image: Image) -> str:
    """Return an `amp-img` that is never wider than its column or, if its size is known, larger than the image."""
    src = address(image.src)
    if src is None:
        return ""
    sized = image.width and image.height and min(image.width, image.height) > 0
    width, height = (image.width, image.height) if sized else _UNKNOWN
    source = attributes(src=src, alt=image.alt)
    size = attributes(width=width, height=height)
    kind = ' layout="intrinsic"' if sized else ' layout="responsive" class="boxed"'
    return f"<amp-img{source}{size}{kind}><noscript><img{source}{size}></noscript></amp-img>"


FORMAT = Format(name="amp", media_type="text/html", extension="amp", render=render, tombstone=tombstone)
