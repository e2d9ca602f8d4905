"""What became of all files that a job was to delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from shared.lake.handle import TableHandle
from shared.lake.maintenance.deletion import Deleted, deletion_of
from shared.lake.maintenance.job_result import JobResult
from shared.runtime.errors import CheckFailed, Refused, Unavailable


class Undeleted(CheckFailed):
    """Raised when of all the files that were to be deleted none could be.

    The same is not tried again at once, whatever the store said: what expiry committed stays, and
    it would find nothing to do. The next sweep for orphans finds the files.

    Attributes:
        files: how many.
    """

    def __init__(self, table: str, files: int, why: str = "") -> None:
        super().__init__(
            f"{table}: none of {files} files could be deleted" + (f": {why}" if why else ""),
            "check that maintainer's credentials may delete objects; the next sweep for orphans "
            "finds the files",
        )
        self.files = files


class CountedDeletion:
    """A :class:`shared.lake.maintenance.deletion.FileDeletion` that counts over a whole job.

    Args:
        handle: whose files they are.
    """

    def __init__(self, handle: TableHandle) -> None:
        self._handle = handle
        self._deleted = 0
        self._errors = 0
        self._error = ""

    def delete(self, paths: Iterable[str]) -> Deleted:
        """As ``FileDeletion``."""
        done = deletion_of(self._handle.table.io).delete(paths)
        self._deleted += len(done.paths)
        self._errors += done.errors
        self._error = self._error or done.error
        return done

    def of(self, job: Callable[[], JobResult]) -> JobResult:
        """Run a job that deletes by this; its result tells how many files could not be deleted.

        Raises:
            Undeleted: files were to be deleted, and none could be.
        """
        try:
            result = job()
        except (Refused, Unavailable) as error:
            if self._none_of_all:
                raise self._undeleted() from error
            raise
        finally:
            if self._errors:
                self._handle.renew()  # the way to the store may be of yesterday
        if self._none_of_all:
            raise self._undeleted()
        return replace(result, errors=self._errors)

    @property
    def _none_of_all(self) -> bool:
        return self._errors > 0 and not self._deleted

    def _undeleted(self) -> Undeleted:
        return Undeleted(self._handle.name, self._errors, self._error)
