"""The bundle: the one thing that passes from training to serving.

`artifacts/<version>/` holds the files below. `artifacts/CURRENT` names the served version, and
`artifacts/PREVIOUS` the one that was served before.
"""

from contract.bundle.golden import GoldenRow, check_golden_rows
from contract.bundle.hold import Hold, hold_version
from contract.bundle.learnt_phones import LEARNT_PHONES, LearntPhones
from contract.bundle.lock import publishing
from contract.bundle.manifest import (
    FORMAT_VERSION,
    Calibration,
    DataProvenance,
    FeatureRange,
    FileEntry,
    Manifest,
    Metrics,
    Regularity,
    ReliabilityBin,
)
from contract.bundle.pointer import current_version, previous_version, switch_current
from contract.bundle.population import BACKGROUND_PHONES, DISTANCES, POPULATION, Population
from contract.bundle.publication import publish
from contract.bundle.reader import Bundle, read_bundle, read_current, read_version
from contract.bundle.retention import Removal, remove_old_versions
from contract.bundle.signature import SigningKey, signing_key
from contract.bundle.version_names import versions
from contract.bundle.writer import BundleFiles, sign_version, write_bundle

__all__ = [
    "BACKGROUND_PHONES",
    "DISTANCES",
    "FORMAT_VERSION",
    "LEARNT_PHONES",
    "POPULATION",
    "Bundle",
    "BundleFiles",
    "Calibration",
    "DataProvenance",
    "FeatureRange",
    "FileEntry",
    "GoldenRow",
    "Hold",
    "LearntPhones",
    "Manifest",
    "Metrics",
    "Population",
    "Regularity",
    "ReliabilityBin",
    "Removal",
    "SigningKey",
    "check_golden_rows",
    "current_version",
    "hold_version",
    "previous_version",
    "publish",
    "publishing",
    "read_bundle",
    "read_current",
    "read_version",
    "remove_old_versions",
    "sign_version",
    "signing_key",
    "switch_current",
    "versions",
    "write_bundle",
]
