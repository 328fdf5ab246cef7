"""The table of the HTTP endpoint, `[banks.X.endpoints.http]`."""

from __future__ import annotations

from pydantic import Field, model_validator

from player.endpoints.http.webendpoint import WebEndpointConfig

__all__ = ["HttpEndpointConfig"]


class HttpEndpointConfig(WebEndpointConfig):
    """The table: where it serves, under which names, to how many."""

    areas: list[str] = Field(
        default_factory=list,
        description="areas of [banks.X.files] and [instrument.files] that /Files/ serves",
    )
    file_bytes_per_s: int = Field(
        0,
        ge=0,
        le=10**12,
        description="bytes of files that are sent per second, to all together; 0: as fast as it goes",
    )
    home: str | None = Field(
        None, min_length=1, description="folder of static files that /home/ serves"
    )
    viewers: int = Field(64, ge=1, le=1000, description="streams at the same time")
    ping_every: float = Field(
        1.0, ge=0.2, le=10.0, description="time between heartbeats of a stream, s"
    )
    certificate: str | None = Field(
        None,
        min_length=1,
        description="file of a TLS certificate, PEM, with those that signed it; with it https is spoken",
    )
    certificate_key: str | None = Field(
        None, min_length=1, description="file of its key, PEM; without, it is in the same file"
    )

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> HttpEndpointConfig:
        """Refuse the key of a certificate that is not named."""
        if self.certificate_key is not None and self.certificate is None:
            raise ValueError("certificate_key: name its certificate, too, certificate = FILE")
        return self
