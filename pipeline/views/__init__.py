"""What people and programs are shown of the ledger: the shapes that the command's `--json` and the API share."""

from pipeline.views.articles import accepted, article, released, settled, shown, warning
from pipeline.views.deliveries import delivered, delivery, proof, tried
from pipeline.views.references import evidence_change, evidence_changed, known, known_reference, reference
from pipeline.views.shape import Shape
from pipeline.views.system import system

__all__ = [
    "Shape",
    "accepted",
    "article",
    "delivered",
    "delivery",
    "evidence_change",
    "evidence_changed",
    "known",
    "known_reference",
    "proof",
    "reference",
    "released",
    "settled",
    "shown",
    "system",
    "tried",
    "warning",
]
