"""What has to agree in a pod that runs the service: its settings, ports, times, room and rights."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from service.settings import Settings
from tests.deploy.manifests import IMAGE, Manifest, user_of_the_image
from trials.plan.t1_sigterm import GRACE

MARGIN_SECONDS = 5
"""What is to be left of the pod's time when the service has ended."""

BYTES_OF_A_ROW = 125
"""Of a table of CSV that comes back with its own columns."""

WORST_MEMORY = 475 * 2**20
"""What one worker took with 16 tables at once: of JSON, of CSV, of Parquet with row groups of 256 MiB."""

UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@dataclass(frozen=True)
class Pod:
    """A pod of one container; `spec` as Kubernetes has it."""

    spec: Manifest

    @cached_property
    def container(self) -> Manifest:
        (container,) = self.spec["containers"]
        return dict(container)

    @cached_property
    def environment(self) -> dict[str, str]:
        return {each["name"]: each["value"] for each in self.container["env"]}

    @cached_property
    def settings(self) -> dict[str, str]:
        """What it sets of ours, by the setting's name."""
        prefix = "PHONE_PRICE_"
        ours = self.environment.items()
        return {name.removeprefix(prefix).lower(): value for name, value in ours if name.startswith(prefix)}

    def setting(self, name: str) -> str:
        """What holds in the pod: what it sets, or the default."""
        return self.settings.get(name, str(Settings.model_fields[name].default))

    @cached_property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    @cached_property
    def mounts(self) -> dict[str, str]:
        """The volume that lies at each path."""
        return {mount["mountPath"]: mount["name"] for mount in self.container["volumeMounts"]}

    def volume(self, path: str) -> Manifest:
        """The volume in which a path lies; nothing where it is the image's own."""
        for mount, name in self.mounts.items():
            if PurePosixPath(path).is_relative_to(mount):
                return next(dict(each) for each in self.spec["volumes"] if each["name"] == name)
        return {}

    @cached_property
    def probes(self) -> dict[str, str]:
        """The path that each probe asks for."""
        return {name: self.container[name]["httpGet"]["path"] for name in PROBES}


def complaints(pod: Pod) -> list[str]:
    """Say in a sentence each what does not agree; nothing, if all does."""
    return [
        *_about_settings(pod),
        *_about_ports(pod),
        *_about_times(pod),
        *_about_room(pod),
        *_about_rights(pod),
    ]


def _about_settings(pod: Pod) -> Iterator[str]:
    for name in pod.settings.keys() - Settings.model_fields.keys():
        yield f"there is no setting {name}"
    if pod.spec.get("enableServiceLinks") is not False:
        yield "it has the variables of all Services"
    if pod.container["image"] != IMAGE:
        yield f"the image is not {IMAGE}"
    keys = pod.setting("api_keys_file")
    if "secret" not in pod.volume(keys):
        yield f"{keys} is not in a Secret"
    if any("subPath" in mount for mount in pod.container["volumeMounts"]):
        yield "a file mounted by subPath never changes"


def _about_ports(pod: Pod) -> Iterator[str]:
    if list(pod.ports.values()) != [int(pod.setting("port"))]:
        yield "the service does not listen on the container's port"
    for name in PROBES:
        asked = pod.container[name]["httpGet"]["port"]
        if asked not in {*pod.ports, *pod.ports.values()}:
            yield f"the {name} asks another port"


def _about_times(pod: Pod) -> Iterator[str]:
    if (
        pod.spec["terminationGracePeriodSeconds"]
        < float(pod.setting("drain_seconds")) + GRACE + MARGIN_SECONDS
    ):
        yield "it is killed before it has drained"
    liveness = pod.container["livenessProbe"]
    if liveness["periodSeconds"] * (liveness["failureThreshold"] - 1) <= float(
        pod.setting("watchdog_seconds")
    ):
        yield "it is killed before the watchdog has said where it stands still"
    if "preStop" in pod.container.get("lifecycle", {}):
        yield "it waits before SIGTERM as well"


def _about_room(pod: Pod) -> Iterator[str]:
    room = _bytes(pod.volume("/tmp").get("emptyDir", {}).get("sizeLimit", "0"))  # noqa: S108 - the pod's
    if room < int(pod.setting("max_tables")) * int(pod.setting("max_table_rows")) * BYTES_OF_A_ROW:
        yield "the tables that it takes at once do not fit into /tmp"
    disk = pod.container["resources"]["limits"].get("ephemeral-storage")
    if disk and _bytes(disk) < room:
        yield "it is evicted before /tmp is full"
    memory = _bytes(pod.container["resources"]["limits"]["memory"])
    if memory < int(pod.setting("workers")) * WORST_MEMORY:
        yield "the largest tables do not fit into its memory"


def _about_rights(pod: Pod) -> Iterator[str]:
    """What Kubernetes' standard `restricted` wants, the image's user, and a root that is read-only."""
    rights = pod.spec.get("securityContext", {}) | pod.container["securityContext"]
    wanted = {
        "runAsNonRoot": True,
        "runAsUser": user_of_the_image(),
        "runAsGroup": user_of_the_image(),
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
        "fsGroup": user_of_the_image(),
    }
    for name, value in wanted.items():
        if rights.get(name) != value:
            yield f"{name} is not {value}"
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield "it has a token of the cluster"
    for volume in pod.spec["volumes"]:
        if not volume.keys() & {"emptyDir", "secret", "persistentVolumeClaim"}:
            yield f"{volume['name']} is of the node"


def _bytes(quantity: str) -> int:
    found = re.fullmatch(r"(\d+)(Ki|Mi|Gi|)", quantity)
    assert found, quantity
    return int(found[1]) * UNITS[found[2]]
