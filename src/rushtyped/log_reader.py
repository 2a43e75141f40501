"""Logs of workers as a Polars frame."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl  # noqa: TID253 - this module as a whole is imported late

from rushtyped.arguments import check_names
from rushtyped.log_store import LogStore

LOG_SCHEMA: dict[str, pl.DataType] = {
    "worker_id": pl.String(),
    "level": pl.String(),
    "timestamp": pl.Datetime("us", "UTC"),
    "logger": pl.String(),
    "caller": pl.String(),
    "message": pl.String(),
    "exception": pl.String(),
}


class LogReader:
    """The logs of one network's workers."""

    def __init__(self, log_store: LogStore) -> None:
        self._log_store = log_store

    def frame(self, worker_ids: Sequence[str] | None, *, time_difference: bool) -> pl.DataFrame:
        """Read the records of some workers, or of all, in order of time.

        The last column `time_difference` is the time since the record before of the same worker,
        null for its first. What cannot be read is left out, with a warning.
        """
        if worker_ids is None:
            ids = tuple(self._log_store.counts())
        else:
            ids = tuple(dict.fromkeys(check_names("worker_ids", worker_ids)))
        frame = self._read(ids).sort("timestamp", maintain_order=True)
        if time_difference:
            difference = pl.col("timestamp").diff().over("worker_id")
            frame = frame.with_columns(time_difference=difference)
        return frame

    def _read(self, worker_ids: Sequence[str]) -> pl.DataFrame:
        columns: dict[str, list[object]] = {name: [] for name in LOG_SCHEMA}
        for worker_id, log in zip(worker_ids, self._log_store.read(worker_ids), strict=True):
            for record in self._log_store.readable(worker_id, log):
                columns["worker_id"].append(worker_id)
                for name, values in columns.items():
                    if name != "worker_id":
                        values.append(getattr(record, name))
        numbers = {**LOG_SCHEMA, "timestamp": pl.Int64()}
        return pl.DataFrame(columns, schema=numbers, strict=True).cast(pl.Schema(LOG_SCHEMA))
