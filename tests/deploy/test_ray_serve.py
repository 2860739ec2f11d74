"""deploy/ray-serve.yaml names what there is; tests/ray runs it on a cluster."""

import ast

from service.settings import Settings
from tests.deploy.manifests import DEPLOY, read
from tests.running_service import PROJECT

CONFIG = read(DEPLOY / "ray-serve.yaml")
(APPLICATION,) = CONFIG["applications"]
(DEPLOYMENT,) = APPLICATION["deployments"]


def test_what_is_served_is_in_the_service() -> None:
    module, _, builder = APPLICATION["import_path"].partition(":")
    source = ast.parse((PROJECT / f"{module.replace('.', '/')}.py").read_text())
    names = {each.name for each in source.body if isinstance(each, ast.ClassDef | ast.FunctionDef)}
    assert {builder, DEPLOYMENT["name"]} <= names


def test_the_environment_is_of_settings_that_mean_something_there() -> None:
    names = {name.removeprefix("PHONE_PRICE_").lower() for name in APPLICATION["runtime_env"]["env_vars"]}
    assert names <= set(Settings.model_fields) - {"host", "port", "workers"}


def test_strangers_need_a_key_as_it_listens_beyond_its_machine() -> None:
    assert CONFIG["http_options"]["host"] == "0.0.0.0"  # noqa: S104 - said, not bound
    assert "PHONE_PRICE_API_KEYS_FILE" in APPLICATION["runtime_env"]["env_vars"]


def test_one_replica_may_fail() -> None:
    scaling = DEPLOYMENT["autoscaling_config"]
    assert 2 <= scaling["min_replicas"] <= scaling["max_replicas"]
