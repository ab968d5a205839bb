"""The `model:` block of a recipe: frozen data that says which model and how to reach it.

One pydantic class per kind, told apart by `kind`, so that a wrong key is refused with its place. A block
names the *environment variable* that holds the key and never the key, so it can be printed, logged, hashed
into a fingerprint and written into a pipeline's YAML as it is. The knobs are the ones a recipe of ours
needs; anything else a server takes goes through `extra_body` (rejected: mirroring OpenAI's forty parameters).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

OPENAI_URL = "https://api.openai.com/v1"

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# How pasted keys begin: OpenAI and its lookalikes, Hugging Face, Groq, Google, xAI.
_KEY_LIKE = re.compile(r"^(?:Bearer\s+)?(?:sk-|hf_[A-Za-z0-9]{20}|gsk_|AIza|xai-)")
_KEY_NAME = re.compile(
    r"(?:^|[_-])(?:api[_-]?key|secret|password|authorization|(?:api|access|auth)[_-]?token)$", re.IGNORECASE
)
_QUERY_KEY_NAME = re.compile(r"key|token|secret|sig", re.IGNORECASE)


class _Block(BaseModel):
    # A refused value may be a key: pydantic must not repeat it in the error it raises.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OfflineModel(_Block):
    """The embedded model: rule-based, deterministic, no weights, no network."""

    kind: Literal["offline"] = "offline"


class BatchSettings(_Block):
    """How a provider's Batch API is used: at most so many requests and bytes a file, and how often it is asked.

    The defaults are OpenAI's limits; `poll` is in seconds, `quiet` the seconds without a new request after which a
    batch that is not full is sent.
    """

    max_requests: int = Field(default=50_000, ge=1, le=50_000)
    max_bytes: int = Field(default=190_000_000, ge=1_000)
    poll: float = Field(default=30.0, gt=0)
    quiet: float = Field(default=2.0, gt=0)
    completion_window: str = "24h"


class OpenAIModel(_Block):
    """Any OpenAI-compatible endpoint.

    `api_key_env` is the name of the environment variable that holds the key. `max_in_flight` is the most calls at
    one time; refusals and timeouts shrink it for a while. `requests_per_minute` and `tokens_per_minute` (input and
    output) are what the server allows, None where it does not say. `timeout` is in seconds, for one attempt from
    sending to the reply's last byte; `max_retries` comes on top of the first attempt. What is None is not sent: the
    server's own default holds.
    `batch: true` (or its settings) sends calls through the provider's Batch API: slower, and cheaper where the price
    says so. `extra_body` is merged into every request last; a None in it removes that key (`seed: null` for a server
    that refuses `seed`). `json_mode` says how a schema is asked for: `auto` tries `schema`, then `object`,
    then `off`, and remembers what the server took. With `allow_truncated`, a reply that was cut off at
    `max_tokens` is kept.

    Raises:
        pydantic.ValidationError: also when a secret stands where none belongs; the error does not repeat it.
    """

    kind: Literal["openai"] = "openai"
    model: str = Field(min_length=1)
    base_url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    max_in_flight: int = Field(default=64, ge=1, le=10_000)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    timeout: float = Field(default=60.0, gt=0)
    max_retries: int = Field(default=5, ge=0, le=100)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    json_mode: Literal["auto", "schema", "object", "off"] = "auto"
    allow_truncated: bool = False
    extra_body: dict[str, Any] = {}
    batch: BatchSettings | None = None

    @field_validator("batch", mode="before")
    @classmethod
    def _true_or_settings(cls, value: object) -> object:
        """Read `true` as the defaults and `false` as none."""
        if value is True:
            return {}
        return None if value is False else value

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if _KEY_LIKE.match(value) or not _ENV_NAME.fullmatch(value):
            raise ValueError(
                "api_key_env takes the NAME of an environment variable; this looks like a key or is no name. "
                "Put the key into the environment (export OPENAI_API_KEY=...) and its name here"
            )
        return value

    @field_validator("base_url")
    @classmethod
    def _is_a_plain_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be a full URL such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password or any(map(_QUERY_KEY_NAME.search, parse_qs(parts.query))):
            raise ValueError("base_url holds a secret; take it out and name its variable in api_key_env")
        return value.rstrip("/")

    @field_validator("extra_body")
    @classmethod
    def _holds_no_secret(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, leaf in _leaves(value):
            if _KEY_LIKE.match(leaf) or _KEY_NAME.search(name):
                raise ValueError(f"extra_body.{name} looks like a secret; use api_key_env for keys")
        return value

    @property
    def output_limit(self) -> int | None:
        """The most tokens that a reply can have, by whichever name the server takes it; None where nothing says."""
        said = [self.extra_body.get(name, None) for name in ("max_completion_tokens", "max_tokens")]
        stated = [limit for limit in (self.max_tokens, *said) if isinstance(limit, int)]
        return max(stated) if stated else None

    @property
    def url(self) -> str:
        """The address calls go to. OPENAI_BASE_URL is not read: a recipe says where its rows come from."""
        return self.base_url or OPENAI_URL

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine, where no key is asked for."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


class TransformersModel(_Block):
    """A local checkpoint: a folder or a name on the Hub.

    `device` None takes CUDA where there is one, else the CPU; `dtype` None takes bfloat16 on CUDA and
    float32 on the CPU. `max_tokens` counts new tokens. `temperature` 0 is greedy.
    """

    kind: Literal["transformers"] = "transformers"
    model: str = Field(min_length=1)
    device: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    batch_size: int = Field(default=16, ge=1, le=4096)
    max_tokens: int = Field(default=512, ge=1)
    temperature: float = Field(default=0.0, ge=0, le=2)
    allow_truncated: bool = False


ModelBlock = Annotated[OfflineModel | OpenAIModel | TransformersModel, Field(discriminator="kind")]

_ADAPTER: TypeAdapter[OfflineModel | OpenAIModel | TransformersModel] = TypeAdapter(
    ModelBlock, config=ConfigDict(hide_input_in_errors=True)
)


def read_model_block(data: object) -> OfflineModel | OpenAIModel | TransformersModel:
    """Return the block that a mapping (from YAML, from JSON) describes.

    Raises:
        pydantic.ValidationError: an unknown kind or key, a wrong type, a value outside its range.
    """
    return _ADAPTER.validate_python(data)


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the (name of the nearest key, text) of every text in nested data."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item, name)
    elif isinstance(value, str):
        yield name, value
