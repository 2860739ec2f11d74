"""Every failure that this project names. They know nothing of HTTP or of a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from contract.violation import Violation


class PhonePriceError(Exception):
    """Base of all named failures; its text is a line, or one for each broken rule, meant for a person."""


class InvalidTableError(PhonePriceError):
    """A CSV table breaks the contract; `violations` says where, `total` how often in all."""

    def __init__(self, violations: "Sequence[Violation]", total: int | None = None) -> None:
        super().__init__()
        self.violations = violations
        self.total = len(violations) if total is None else total

    def __str__(self) -> str:
        return "; ".join(violation.msg for violation in self.violations)

    def __reduce__(self) -> "tuple[type[Self], tuple[list[Violation], int]]":
        return type(self), (list(self.violations), self.total)


class NoRowsError(InvalidTableError):
    """A table is empty but for its header."""


class TableFileError(PhonePriceError):
    """A file of a table cannot be read or written, or is of no known kind."""


class ClusterError(PhonePriceError):
    """There is no Ray, no cluster, or none that has what is asked of it."""


class DataError(PhonePriceError):
    """A data set cannot be trained on."""


class RecipeError(PhonePriceError):
    """A recipe does not exist or makes an impossible choice."""


class DivergenceError(PhonePriceError):
    """Training left the finite numbers."""


class SettingNameError(PhonePriceError):
    """A variable of the environment looks like a setting, and is none."""


class PlatformError(PhonePriceError):
    """A variable by which a platform tells what it wants cannot be followed."""


class StorageError(PhonePriceError):
    """Artifacts cannot be fetched from where a platform keeps them, or trials not be kept."""


class TrackingError(PhonePriceError):
    """A run cannot be logged where the user wants it."""


class ExportError(PhonePriceError):
    """The exported graph does not compute what the trained network computes."""


class EngineError(PhonePriceError):
    """An engine cannot be built, or computed something that is not a probability."""


class TracingError(PhonePriceError):
    """Spans are wanted, and what makes them is not installed."""


class KeysError(PhonePriceError):
    """Keys cannot be read, or are none that protect anything."""


class WorkerError(PhonePriceError):
    """A process that is to answer cannot be started, time and again."""


class BundleError(PhonePriceError):
    """A bundle is not whole. One subclass for each rung of the reader's ladder."""


class PointerError(BundleError):
    """CURRENT is missing, unreadable or names no version."""


class VersionError(BundleError):
    """There is no version of that name."""


class SignatureError(BundleError):
    """A key is set, and the manifest is not signed with it or is not what was signed."""


class ManifestError(BundleError):
    """manifest.json is missing, is not JSON or does not have the manifest's shape."""


class FormatVersionError(BundleError):
    """The bundle is written in a format that this release does not read."""


class FileListError(BundleError):
    """The files on disk are not exactly the files that the manifest lists."""


class FileSizeError(BundleError):
    """A file is shorter or longer than the manifest says."""


class FileHashError(BundleError):
    """A file's SHA-256 is not the one in the manifest."""


class FeatureError(BundleError):
    """The bundle was trained on other features, or on these in another order."""


class ClassError(BundleError):
    """The bundle predicts other classes than the four price ranges."""


class ShapeError(BundleError):
    """A tensor does not have the shape that the architecture gives it."""


class GraphError(BundleError):
    """The graph is not one that training exports: another operator, or data that lies elsewhere."""


class PopulationError(BundleError):
    """What the bundle tells of its phones together cannot be computed with."""


class LearntPhonesError(BundleError):
    """The file that tells which phones a model has learnt is not as it was written."""


class NonFiniteError(BundleError):
    """A weight is NaN or infinite."""


class LoadTimeoutError(BundleError):
    """A version could not be loaded in the time that a load may take."""


class GoldenRowError(BundleError):
    """An engine does not reproduce the bundle's golden rows."""
