"""Field types that several answers share, with the examples that the API reference shows."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

ArticleId = Annotated[str, Field(examples=["baclofen-for-spasticity"])]
ChannelId = Annotated[str, Field(examples=["partner-a"])]
RevisionNumber = Annotated[int, Field(ge=1, examples=[3])]
Count = Annotated[int, Field(ge=0)]
Pmid = Annotated[str, Field(pattern="^[0-9]+$", examples=["34187661"])]
WorkId = Annotated[str, Field(description="The cited work, with its scheme.", examples=["pmid:34187661"])]
Time = Annotated[dt.datetime, Field(examples=["2026-03-01T12:00:00Z"])]
