"""AMP's official validator, and what it lets pass."""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
from typing import Any
from urllib.parse import urlsplit

from judges.dom import tree
from judges.presence import NODE_MODULES, ROOT, file, program

_INSTALL = "run `npm ci` and `npm run amp-rules`"
_MAX_CSS = 75_000  # bytes of amp-custom; AMP's own limit


@functools.cache
def _validator() -> subprocess.Popen[str]:
    """One Node process for the whole run: loading takes a second, a page some milliseconds."""
    node = program("node", hint="install Node.js 20 or newer")
    file(NODE_MODULES / "amphtml-validator" / "index.js", hint=_INSTALL)
    rules = file(ROOT / ".cache" / "judges" / "validator_wasm.js", hint=_INSTALL)
    process = subprocess.Popen(
        [node, str(ROOT / "tests" / "judges" / "amp_validator.mjs"), str(rules)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    atexit.register(_stop, process)
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)  # the end of its input ends it


def official_findings(page: bytes) -> list[str]:
    """What the official validator says of a page, errors and warnings; nothing of a valid one."""
    process = _validator()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(page.decode()) + "\n")
    process.stdin.flush()
    if not (answer := process.stdout.readline()):
        _validator.cache_clear()
        return ["the validator itself fell over"]
    verdict: dict[str, Any] = json.loads(answer)
    assert verdict["findings"] or verdict["status"] == "PASS", verdict
    return list(verdict["findings"])


def own_findings(page: bytes) -> list[str]:
    """What a page gets wrong although the official validator lets it pass."""
    root = tree(page)
    return [
        *_head_findings(root),
        *_image_findings(root),
        *_script_findings(root),
        *_share_findings(root),
    ]


def _head_findings(root: Any) -> list[str]:
    found = [] if root.get("lang") else ["<html> has no lang"]
    if root.get("dir") not in ("ltr", "rtl"):
        found.append("<html> has no dir")
    for address in root.xpath("//link[@rel='canonical']/@href"):
        if urlsplit(address).scheme not in ("http", "https"):
            found += [f"the canonical address is not absolute: {address!r}"]
    size = sum(len((style.text or "").encode()) for style in root.xpath("//style[@amp-custom]"))
    return found if size <= _MAX_CSS else [*found, f"{size} bytes of custom CSS"]


def _image_findings(root: Any) -> list[str]:
    native = [f"a native <img>: {img.get('src')}" for img in root.xpath("//img[not(ancestor::noscript)]")]
    bare = root.xpath("//amp-img[not(@width and @height) or not(@layout)]")
    return native + [f"an amp-img without dimensions and layout: {img.get('src')}" for img in bare]


def _script_findings(root: Any) -> list[str]:
    loaded = {*root.xpath("//script/@custom-element"), *root.xpath("//script/@custom-template")}
    builtin = {"amp-img", "amp-pixel", "amp-layout"}
    used = {str(tag.tag) for tag in root.iter() if isinstance(tag.tag, str) and tag.tag.startswith("amp-")} - builtin
    return [f"the script of {name} is loaded and not used" for name in sorted(loaded - used)] + [
        f"{name} is used without its script" for name in sorted(used - loaded)
    ]


def _share_findings(root: Any) -> list[str]:
    own_endpoints = {"email", "facebook", "linkedin", "pinterest", "sms", "system", "tumblr", "twitter", "whatsapp"}
    found = []
    for share in root.xpath("//amp-social-share"):
        if share.get("type") not in own_endpoints and not share.get("data-share-endpoint"):
            found.append(f"amp-social-share {share.get('type')!r} has no endpoint")
        if share.get("type") == "facebook" and not share.get("data-param-app_id"):
            found.append("amp-social-share 'facebook' has no app id")
        if not (share.get("width") and share.get("height")):
            found.append(f"amp-social-share {share.get('type')!r} has no size")
    return found
