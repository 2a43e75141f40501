"""What is written to Redis, as records: the source of the JSON Schemas in `schemas/`.

Values of hashes are text unless they are said to be msgpack; times are microseconds since 1970 by
the server's clock, in digits.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from rushtyped.models import Condition, TaskState

WIRE_VERSION = "1"
"""Version of everything that is stored; a change that old readers cannot read raises it."""

Packed = Annotated[str, Field(json_schema_extra={"contentEncoding": "msgpack"})]
Milliseconds = Annotated[str, Field(pattern=r"^[0-9]+$")]
Microseconds = Annotated[str, Field(pattern=r"^[0-9]+$")]
Seconds = Annotated[str, Field(pattern=r"^[0-9.]+$")]
Count = Annotated[str, Field(pattern=r"^[0-9]+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_END_OF_9999 = 253_402_300_799_999_999  # in microseconds since 1970; no calendar goes further


class WireRecord(BaseModel):
    """A record that is stored with exactly these fields."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class DescribedRecord(WireRecord):
    """A record that others than pydantic write and read; what validates it is made when needed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)


class TaskHash(DescribedRecord):
    """The hash `task:<key>`."""

    state: TaskState
    xs: Packed
    ys: Packed | None = None
    xs_extra: Packed | None = None
    ys_extra: Packed | None = None
    condition: Packed | None = None
    worker_id: str | None = None
    attempt: Count
    created_at: Microseconds
    started_at: Microseconds | None = None
    finished_at: Microseconds | None = None
    failed_by: str | None = Field(None, description="token of the call that failed it last")
    retried_by: str | None = Field(None, description="token of the call that retried it last")


class WorkerHash(DescribedRecord):
    """The hash `worker:<id>`."""

    token: str = Field(description="token of the call that registered it")
    pid: Count
    hostname: str
    version: str = Field(description="version of rushtyped that it runs")
    heartbeat_period: Seconds = Field(description="seconds between two renewals of its lease")
    heartbeat_expire: Seconds = Field(description="seconds that its lease lasts without one")
    server: str | None = Field(None, description="run id of the server that it registered on")
    started_at: Microseconds
    ended_at: Microseconds | None = None
    reason: str | None = Field(None, description="why it ended")
    settled_by: str | None = Field(None, description="token of the call that terminated it")
    request: Count | None = Field(None, description="number of its last pop")
    claimed: str | None = Field(None, description="key of the task that it popped last")


class StoredField(BaseModel):
    """One field of a model: its JSON Schema with two words added."""

    column: str = Field(description="type of its column, as in Float64, List(String?) or Int64?")
    optional: bool = Field(
        default=False, description="whether rows from before it was added may lack it"
    )


class StoredModel(BaseModel):
    """The JSON Schema of one model; references are resolved, names are those of fields."""

    properties: dict[str, StoredField]
    required: list[str] = Field(description="fields without a default")
    order: list[str] = Field(description="all fields in the order of their columns")
    additionalProperties: bool = Field(  # noqa: N815 - JSON Schema's name
        description="whether free names are allowed, as in an extra that nobody declared"
    )


class StoredSchemas(DescribedRecord):
    """The field `schemas` of the hash `meta`, as JSON."""

    xs: StoredModel
    ys: StoredModel
    xs_extra: StoredModel
    ys_extra: StoredModel


class MetaHash(BaseModel):
    """The hash `meta`; beside these it has a field `column:<name>` for each free-form column."""

    version: Count = Field(WIRE_VERSION, description="version of the wire format")
    epoch: str = Field(description="new after every reset")
    schemas: str | None = Field(None, description="the record `schemas`, as JSON")
    max_tasks: Count | None = None
    max_seconds: str | None = Field(None, pattern=r"^[0-9.e+]+$")
    started_at: Microseconds | None = Field(None, description="when the clock of max_seconds began")
    expires_at: Milliseconds | None = Field(None, description="when the network vanishes")
    server: str | None = Field(
        None, description="run id of the server, where a worker has registered on another one"
    )
    server_since: Microseconds | None = Field(None, description="when that was found")


class EventEntry(DescribedRecord):
    """An entry of the stream `events`: something has changed; the truth is in the hashes."""

    type: Annotated[
        str, Field(pattern=r"^(queued|running|finished|failed|worker|stop|budget|reset|expire)$")
    ]
    n: Count = Field(description="how many tasks or workers")
    worker: str = Field(description="id of the worker, or empty")


class LoopEnvelope(WireRecord):
    """The string `loop:<sha256>` behind its 32 bytes of HMAC-SHA256, as a msgpack map."""

    version: int = 1
    name: str
    file: str | None = Field(default=None, description="absolute path of what holds the pickle")
    sha256: Sha256 | None = Field(default=None, description="of what the file holds")
    python: str | None = Field(default=None, description="the Python that its code is for")
    cloudpickle: str | None = Field(default=None, description="the version that pickled its code")
    payload: bytes | None = Field(default=None, description="pickle of models and loop")


class LogRecord(WireRecord):
    """An entry of the list `worker:<id>:log`, as a msgpack map."""

    timestamp: int = Field(ge=0, le=_END_OF_9999, description="microseconds of the worker's clock")
    level: str = Field(description="name of the level")
    number: int = Field(ge=0, lt=2**63, description="severity of the level")
    logger: str = Field(description="name of the module, or of the standard logger")
    caller: str = Field(description="function and line, with a colon between")
    message: str
    exception: str | None = Field(None, description="traceback, without the values of variables")


RECORDS: dict[str, type[BaseModel]] = {
    "task": TaskHash,
    "worker": WorkerHash,
    "meta": MetaHash,
    "schemas": StoredSchemas,
    "event": EventEntry,
    "loop": LoopEnvelope,
    "log": LogRecord,
    "condition": Condition,
}


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one record, with the version of the wire format."""
    schema = RECORDS[name].model_json_schema()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "version": int(WIRE_VERSION), **schema}
