"""deploy/kserve is what KServe takes, and agrees with the image and the service.

No package has the schema of an InferenceService alone. KServe's own fields are held against a model of those
that a predictor of one container may have (KServe 0.21, serving.kserve.io/v1beta1); the rest, a pod's,
against Kubernetes' schema, as the Deployment that KServe makes of it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import kubernetes_validate
import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.deploy.manifests import (
    DEPLOY,
    VERSIONS_OF_KUBERNETES,
    Manifest,
    is_valid,
    read,
    with_change,
)
from tests.deploy.pod import Pod, complaints
from tests.running_service import ARTIFACTS, running_service

FOLDER = DEPLOY / "kserve"
IN_THE_IMAGE = read(FOLDER / "inference-service.yaml")
FROM_STORAGE = read(FOLDER / "inference-service-from-storage.yaml")
BOTH = pytest.mark.parametrize("service", [IN_THE_IMAGE, FROM_STORAGE], ids=["in the image", "from storage"])

MOUNTED_BY_KSERVE = "/mnt/models"

OWN_ENVIRONMENT = {"STORAGE_URI", "PROTOCOL"}
"""Of KServe, which reads them from the manifest."""


class Strict(BaseModel):
    """Nothing unknown, and nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Component(Strict):
    """What KServe adds to a pod."""

    minReplicas: Annotated[int, Field(ge=0)] = 1  # noqa: N815 - KServe's names
    maxReplicas: Annotated[int, Field(ge=1)] = 1  # noqa: N815
    scaleMetric: Literal["cpu", "memory", "concurrency", "rps"] = "cpu"  # noqa: N815
    scaleTarget: Annotated[int, Field(ge=1)] = 80  # noqa: N815
    containerConcurrency: Annotated[int, Field(ge=0)] = 0  # noqa: N815
    timeout: Annotated[int, Field(ge=1)] = 60
    canaryTrafficPercent: Annotated[int, Field(ge=0, le=100)] = 100  # noqa: N815
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    deploymentStrategy: dict[str, Any] = {}  # noqa: N815 - checked as a Deployment's


class Metadata(Strict):
    name: Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]
    annotations: dict[str, str]


class Spec(Strict):
    predictor: dict[str, Any]


class InferenceService(Strict):
    """All but the pod."""

    apiVersion: Literal["serving.kserve.io/v1beta1"]  # noqa: N815
    kind: Literal["InferenceService"]
    metadata: Metadata
    spec: Spec


def check(service: Manifest) -> None:
    """Raise for what KServe, or Kubernetes for it, does not know or want."""
    predictor = InferenceService.model_validate(service).spec.predictor
    own = {name: value for name, value in predictor.items() if name in Component.model_fields}
    component = Component.model_validate(own)
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service["metadata"]["name"]},
        "spec": {
            "selector": {},
            "strategy": component.deploymentStrategy,
            "template": {"spec": {name: predictor[name] for name in predictor.keys() - own.keys()}},
        },
    }
    for version in VERSIONS_OF_KUBERNETES:
        is_valid(deployment, version)


@BOTH
def test_a_service_has_nothing_that_kserve_does_not_know(service: Manifest) -> None:
    check(service)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("spec", "predictor", "minReplica"), 2),
        (("spec", "predictor", "scaleMetric"), "CPU"),
        (("spec", "predictor", "maxReplicas"), "10"),
        (("spec", "predictor", "deploymentStrategy", "maxSurge"), 1),
        (("spec", "predictor", "containers", 0, "port"), 8080),
        (("spec", "predictor", "terminationGracePeriodSeconds"), "40s"),
        (("spec", "predictors"), {}),
        (("apiVersion",), "serving.kserve.io/v1"),
        (("metadata", "name"), "Phone_Price"),
    ],
)
def test_a_broken_copy_is_refused(where: Sequence[str | int], value: object) -> None:
    with pytest.raises((kubernetes_validate.ValidationError, ValidationError)):
        check(with_change(IN_THE_IMAGE, where, value))


@BOTH
def test_the_pod_agrees_with_the_image_and_the_service(service: Manifest) -> None:
    assert complaints(pod_of(service)) == []


@BOTH
def test_it_has_what_kserve_goes_by(service: Manifest) -> None:
    pod = pod_of(service)
    assert pod.container["name"] == "kserve-container"
    assert pod.ports == {"http1": 8080}
    assert pod.environment["PROTOCOL"] == "v2"
    assert pod.environment.keys() - OWN_ENVIRONMENT == {
        f"PHONE_PRICE_{name.upper()}" for name in pod.settings
    }
    # without both, KServe refuses to scale by CPU
    assert service["metadata"]["annotations"] == {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "hpa",
    }


@BOTH
def test_the_paths_and_the_pods_have_the_name_of_the_service(service: Manifest) -> None:
    name = service["metadata"]["name"]
    pod = pod_of(service)
    assert pod.setting("model_name") == name
    (spread,) = pod.spec["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == {"serving.kserve.io/inferenceservice": name}


def test_with_a_model_from_storage_only_the_model_differs() -> None:
    storage, image = pod_of(FROM_STORAGE), pod_of(IN_THE_IMAGE)
    assert storage.environment.items() - image.environment.items() == {
        ("STORAGE_URI", storage.environment["STORAGE_URI"]),
        ("PHONE_PRICE_ARTIFACTS", MOUNTED_BY_KSERVE),
        ("PHONE_PRICE_RELOAD_SECONDS", "0"),
    }
    alike = with_change(FROM_STORAGE, ("spec", "predictor", "containers", 0, "env"), image.container["env"])
    assert alike == IN_THE_IMAGE


@BOTH
def test_the_service_starts_on_its_settings_and_answers_its_probes_without_a_key(
    service: Manifest, tmp_path: Path
) -> None:
    pod = pod_of(service)
    keys = tmp_path / "api-keys"
    keys.write_text("a-key-for-the-tests-of-deploy-alone")
    with running_service(ARTIFACTS, **pod.environment | {"PHONE_PRICE_API_KEYS_FILE": str(keys)}) as running:
        asked = {path: running.client.get(path).status_code for path in pod.probes.values()}
        running.process.kill()  # else it drains
    assert set(asked.values()) == {200}, asked


def pod_of(service: Manifest) -> Pod:
    return Pod(service["spec"]["predictor"])
