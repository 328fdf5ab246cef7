"""Base of all tables of the configuration, and types of what stands in several of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from groundwork.addresses import checked_host

__all__ = ["Host", "Table"]

Host = Annotated[str, Field(min_length=1), AfterValidator(checked_host)]
"""The name or address of a host, and nothing else."""


class Table(BaseModel):
    """Base of all tables: no unknown key, no silent conversion of text to numbers, immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, allow_inf_nan=False
    )
