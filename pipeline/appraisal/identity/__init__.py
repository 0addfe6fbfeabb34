"""Whether a record is the work that an author's words describe. Pure, so it works offline on stored records.

fold        text → comparable tokens
claims      the author's words → years, DOIs, volume and page, tokens
comparing   words and record → `Comparison`: each field agrees, differs, or is not in the words
"""

from pipeline.appraisal.identity.comparing import compare

__all__ = ["compare"]
