"""deploy/kubernetes is what Kubernetes takes; its parts agree with each other, the image and the service."""

from collections.abc import Sequence
from pathlib import Path

import kubernetes_validate
import pytest

from contract.errors import KeysError
from service.guards.keys import Keyring
from service.settings import Settings
from tests.deploy.manifests import (
    DEPLOY,
    IMAGE,
    VERSIONS_OF_KUBERNETES,
    Manifest,
    is_valid,
    read,
    with_change,
)
from tests.deploy.pod import Pod, complaints
from tests.running_service import ARTIFACTS, running_service

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZATION = read(FOLDER / "kustomization.yaml")
EXAMPLE = "secret-example.yaml"
MANIFESTS = {path.name: read(path) for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml"}

DEPLOYMENT = MANIFESTS["deployment.yaml"]
POD = Pod(DEPLOYMENT["spec"]["template"]["spec"])
LABELS = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
CONTAINER = ("spec", "template", "spec", "containers", 0)

GOOD_KEY = "a-key-for-the-tests-of-deploy-alone"


@pytest.mark.parametrize("version", VERSIONS_OF_KUBERNETES)
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_has_nothing_that_kubernetes_does_not_know(name: str, version: str) -> None:
    is_valid(MANIFESTS[name], version)


@pytest.mark.parametrize(
    ("name", "where", "value"),
    [
        ("deployment.yaml", (*CONTAINER, "readynessProbe"), {"httpGet": {"path": "/", "port": 8000}}),
        ("deployment.yaml", ("spec", "template", "spec", "terminationGracePeriodSeconds"), "40s"),
        ("deployment.yaml", (*CONTAINER, "ports", 0, "containerPort"), "8000"),
        ("service.yaml", ("spec", "ports", 0, "targetport"), "http"),
        ("horizontal-pod-autoscaler.yaml", ("spec", "targetCPUUtilizationPercentage"), 70),
        ("pod-disruption-budget.yaml", ("spec", "maxUnavailabel"), 1),
        ("network-policy.yaml", ("spec", "egress"), {}),
        ("service-account.yaml", ("automountServiceAccountToken"), "no"),
    ],
)
def test_a_broken_copy_is_refused(name: str, where: Sequence[str | int], value: object) -> None:
    where = (where,) if isinstance(where, str) else where
    with pytest.raises(kubernetes_validate.ValidationError):
        is_valid(with_change(MANIFESTS[name], where, value), VERSIONS_OF_KUBERNETES[0])


def test_what_is_applied_is_every_manifest_but_the_example() -> None:
    assert set(KUSTOMIZATION["resources"]) == MANIFESTS.keys() - {EXAMPLE}
    (image,) = KUSTOMIZATION["images"]
    assert f"{image['name']}:{image['newTag']}" == IMAGE


def test_the_pod_agrees_with_the_image_and_the_service() -> None:
    assert complaints(POD) == []


@pytest.mark.parametrize(
    ("where", "value", "complaint"),
    [
        (("enableServiceLinks",), True, "it has the variables of all Services"),
        (("terminationGracePeriodSeconds",), 30, "it is killed before it has drained"),
        (("automountServiceAccountToken",), True, "it has a token of the cluster"),
        (("securityContext", "runAsUser"), 1000, "runAsUser is not 10001"),
        (("securityContext", "seccompProfile", "type"), "Unconfined", "seccompProfile is not"),
        (
            ("containers", 0, "securityContext", "readOnlyRootFilesystem"),
            False,
            "readOnlyRootFilesystem is not",
        ),
        (("containers", 0, "securityContext", "capabilities"), {"drop": []}, "capabilities is not"),
        (("containers", 0, "image"), "phone-price:latest", "the image is not"),
        (("containers", 0, "ports", 0, "containerPort"), 8080, "the service does not listen on"),
        (
            ("containers", 0, "readinessProbe", "httpGet", "port"),
            "web",
            "the readinessProbe asks another port",
        ),
        (("containers", 0, "livenessProbe", "periodSeconds"), 5, "it is killed before the watchdog"),
        (("containers", 0, "lifecycle"), {"preStop": {"sleep": {"seconds": 5}}}, "it waits before SIGTERM"),
        (("containers", 0, "env", 0, "name"), "PHONE_PRICE_PROT", "there is no setting prot"),
        (("containers", 0, "volumeMounts", 1, "mountPath"), "/keys", "is not in a Secret"),
        (("containers", 0, "volumeMounts", 1, "subPath"), "api-keys", "a file mounted by subPath"),
        (("containers", 0, "resources", "limits", "memory"), "256Mi", "the largest tables do not fit"),
        (("volumes", 0, "emptyDir", "sizeLimit"), "1Gi", "the tables that it takes at once do not fit"),
        (("volumes", 0, "emptyDir", "sizeLimit"), "8Gi", "it is evicted before /tmp is full"),
        (("volumes", 0), {"name": "tmp", "hostPath": {"path": "/tmp"}}, "tmp is of the node"),  # noqa: S108
    ],
)
def test_a_pod_that_does_not_agree_is_found_out(
    where: Sequence[str | int], value: object, complaint: str
) -> None:
    assert any(
        said.startswith(complaint) or complaint in said
        for said in complaints(Pod(with_change(POD.spec, where, value)))
    )


def test_everything_that_selects_pods_finds_them() -> None:
    spec = DEPLOYMENT["spec"]
    found = [
        spec["selector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in POD.spec["topologySpreadConstraints"]),
        MANIFESTS["service.yaml"]["spec"]["selector"],
        MANIFESTS["pod-disruption-budget.yaml"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["network-policy.yaml"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(labels and labels.items() <= LABELS.items() for labels in found)


def test_the_service_and_prometheus_ask_the_port_that_is_open() -> None:
    (port,) = MANIFESTS["service.yaml"]["spec"]["ports"]
    assert port["targetPort"] in POD.ports
    ((allowed,),) = (each["ports"] for each in MANIFESTS["network-policy.yaml"]["spec"]["ingress"])
    assert allowed["port"] in POD.ports
    annotations = DEPLOYMENT["spec"]["template"]["metadata"]["annotations"]
    assert int(annotations["prometheus.io/port"]) in POD.ports.values()


def test_nothing_may_leave_a_pod() -> None:
    policy = MANIFESTS["network-policy.yaml"]["spec"]
    assert "Egress" in policy["policyTypes"]
    assert policy["egress"] == []


def test_the_autoscaler_has_the_deployment_to_itself() -> None:
    scaled = MANIFESTS["horizontal-pod-autoscaler.yaml"]["spec"]["scaleTargetRef"]
    assert scaled == {
        "apiVersion": DEPLOYMENT["apiVersion"],
        "kind": DEPLOYMENT["kind"],
        "name": DEPLOYMENT["metadata"]["name"],
    }
    assert "replicas" not in DEPLOYMENT["spec"]
    assert "cpu" in POD.container["resources"]["requests"]  # the share that it scales by is of this


def test_neither_a_rollout_nor_maintenance_takes_the_last_pod() -> None:
    fewest = MANIFESTS["horizontal-pod-autoscaler.yaml"]["spec"]["minReplicas"]
    assert MANIFESTS["pod-disruption-budget.yaml"]["spec"]["maxUnavailable"] < fewest
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_pod_uses_the_account_and_the_secret_that_are_there() -> None:
    assert POD.spec["serviceAccountName"] == MANIFESTS["service-account.yaml"]["metadata"]["name"]
    secret: Manifest = MANIFESTS[EXAMPLE]
    keys = Path(POD.settings["api_keys_file"])
    assert POD.volume(str(keys))["secret"]["secretName"] == secret["metadata"]["name"]
    assert keys.name in secret["stringData"]


def test_the_key_of_the_example_is_refused(tmp_path: Path) -> None:
    """Whoever applies it unchanged is told so, and nobody can call by a key that all know."""
    (text,) = MANIFESTS[EXAMPLE]["stringData"].values()
    file = tmp_path / "api-keys"
    file.write_text(text)
    with pytest.raises(KeysError, match="under 32 bytes"):
        Keyring(Settings(api_keys_file=file))
    file.write_text(text.replace("replace-me", GOOD_KEY))
    assert not Keyring(Settings(api_keys_file=file)).is_empty


def test_a_changed_secret_changes_who_may_call(tmp_path: Path) -> None:
    """As the kubelet changes it: a new folder, to which a symbolic link is turned in one step."""
    old, new = f"{GOOD_KEY}-1", f"{GOOD_KEY}-2"
    for number, key in enumerate((old, new)):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "api-keys").write_text(key)
    (tmp_path / "..data").symlink_to("..0")
    (tmp_path / "api-keys").symlink_to("..data/api-keys")
    keyring = Keyring(Settings(api_keys_file=tmp_path / "api-keys"))

    def admitted(key: str) -> bool:
        return keyring.admits({"type": "http", "headers": [(b"x-api-key", key.encode())]})

    assert (admitted(old), admitted(new)) == (True, False)
    (tmp_path / "..data_tmp").symlink_to("..1")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    keyring.look()
    assert (admitted(old), admitted(new)) == (False, True)


def test_the_service_starts_on_its_settings_and_answers_its_probes_without_a_key(tmp_path: Path) -> None:
    keys = tmp_path / "api-keys"
    keys.write_text(GOOD_KEY)
    with running_service(ARTIFACTS, **POD.environment | {"PHONE_PRICE_API_KEYS_FILE": str(keys)}) as running:
        for path in POD.probes.values():
            assert running.client.get(path).status_code == 200, path
        assert running.client.get("/metrics").status_code == 200
        assert running.client.get("/model-info").status_code == 401
        running.process.kill()  # else it drains


def test_the_variables_that_kubernetes_sets_for_a_service_of_its_name_are_let_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    links = {
        "SERVICE_HOST": "10.96.0.17",
        "SERVICE_PORT": "80",
        "SERVICE_PORT_HTTP": "80",
        "PORT": "tcp://10.96.0.17:80",
        "PORT_80_TCP": "tcp://10.96.0.17:80",
        "PORT_80_TCP_PROTO": "tcp",
        "PORT_80_TCP_PORT": "80",
        "PORT_80_TCP_ADDR": "10.96.0.17",
        "CANARY_SERVICE_HOST": "10.96.0.18",
        "CANARY_PORT": "tcp://10.96.0.18:80",
    }
    for name, value in links.items():
        monkeypatch.setenv(f"PHONE_PRICE_{name}", value)
    assert Settings().port == 8000
