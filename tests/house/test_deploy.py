"""Promise: what `docs/operations/` offers for clusters fits the service: its metrics, its commands, its settings.

The chart is rendered and linted where helm is installed, and alert rules are checked where promtool is. `make charts`
builds both: that takes minutes, which `make test` has not.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram, ProcessCollector, Summary
from prometheus_client.metrics import MetricWrapperBase
from typer.main import get_command

from graphsvc.api.http.metrics import DATABASE_GAUGES, Metrics
from graphsvc.cli.commands import app
from graphsvc.settings import Settings

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations"
CHART = OPERATIONS / "helm" / "graphsvc"
KUBERNETES = "1.30"
"""Version whose schemas the chart is held against: two years old, which managed clusters still offer."""
HELM, PROMTOOL = shutil.which("helm"), shutil.which("promtool")
NAME = re.compile(r"\b((?:graphsvc|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
OF_PROMETHEUS = {"job", "instance", "le"}


def expressions() -> list[str]:
    """All that the dashboard and the alert rules ask Prometheus for."""
    rules = yaml.safe_load((OPERATIONS / "alerts.yaml").read_text(encoding="utf-8"))
    board = json.loads((OPERATIONS / "dashboard.json").read_text(encoding="utf-8"))
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    found += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [
        *found,
        *(each["query"]["query"] for each in board["templating"]["list"] if each["name"] == "job"),
    ]


def samples() -> dict[str, set[str]]:
    """Names that the service's samples have, with their labels."""
    metrics = Metrics()
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        ends = {Counter: ["_total"], Histogram: ["_bucket", "_sum", "_count"], Summary: ["_sum", "_count"]}
        for end in ends.get(type(metric), [""]):
            found[metric._name + end] = set(metric._labelnames)
    for name, (_, label) in DATABASE_GAUGES.items():
        found[name] = {label} - {""}
    for family in ProcessCollector(registry=None).collect():
        found |= {sample.name: set() for sample in family.samples}
    return found


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_and_alerts_ask_for_metrics_that_there_are(expression: str) -> None:
    known = samples()
    asked = NAME.findall(expression)
    assert asked or expression.startswith("up{")
    for name, labels in asked:
        assert name in known, f"{name} is no metric of the service"
        given = set(re.findall(r"(\w+)\s*=", labels))
        assert given <= known[name] | OF_PROMETHEUS, (
            f"{name} has no label {given - known[name] - OF_PROMETHEUS}"
        )
    grouped = {
        label.strip() for each in re.findall(r"by \(([^)]*)\)", expression) for label in each.split(",")
    }
    assert grouped <= set().union(*(known[name] for name, _ in asked), OF_PROMETHEUS)


def test_the_facts_of_the_schedule_are_those_that_are_asked_for() -> None:
    facts = {fact for each in expressions() for fact in re.findall(r'fact="(\w+)"', each)}
    written = set(re.findall(r'"(\w+)": schedule\.', (ROOT / "graphsvc/api/http/metrics.py").read_text()))
    assert facts <= written
    codes = {
        code
        for each in expressions()
        for part in re.findall(r'code=~?"([^"]+)"', each)
        for code in part.split("|")
    }
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "graphsvc").rglob("*.py"))
    assert [code for code in codes if f'"{code}"' not in sources] == []


def test_every_metric_of_the_service_is_on_the_dashboard_or_in_the_documentation() -> None:
    shown = "".join(expressions()) + (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    bare = {
        re.sub("_(total|bucket|sum|count)$", "", name) for name in samples() if name.startswith("graphsvc")
    }
    assert [name for name in sorted(bare) if name not in shown] == []


def check_arguments(arguments: list[str]) -> None:
    """Check that a container's arguments are a command of graphsvc with its options."""
    command, *rest = arguments
    known = {option for each in get_command(app).commands[command].params for option in each.opts}  # type: ignore[attr-defined]
    assert [each for each in rest if each.startswith("--") and each not in known] == []


def check_settings(names: list[str]) -> None:
    fields = set(Settings.model_fields)
    own = [name.removeprefix("GRAPHSVC_").removesuffix("_FILE").lower() for name in names]
    assert [name for name in own if name not in fields] == []


def test_compose_has_a_scheduler_apart_from_the_api() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    scheduler, api = services["scheduler"], services["graphsvc"]
    assert scheduler["profiles"] == ["scheduler"]
    assert "profiles" not in api
    assert scheduler["volumes"] == api["volumes"]
    assert scheduler["ports"] == []
    check_arguments(scheduler["command"])
    assert "--every" in scheduler["command"]
    check_settings([*api["environment"]])


def helm(*words: str) -> "subprocess.CompletedProcess[str]":
    assert HELM
    return subprocess.run([HELM, *words], capture_output=True, text=True, check=False)


def template(*words: str) -> "subprocess.CompletedProcess[str]":
    # A helm that was built from its module takes the cluster for a very old one.
    return helm("template", "demo", str(CHART), "--kube-version", f"{KUBERNETES}.0", *words)


def render(*values: str) -> list[dict[str, Any]]:
    """The objects that the chart makes."""
    done = template(*(part for each in values for part in ("--set", each)))
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


VARIANTS = [
    (),
    ("scheduler.enabled=false",),
    ("scheduler.every=", "scheduler.cron=0 3 * * *"),
    ("persistence.accessMode=ReadWriteMany", "api.replicas=3", "neo4j.database=fraud", "image.tag=v9"),
    (
        "ingress.enabled=true",
        "ingress.tlsSecret=tls",
        "ingress.className=nginx",
        "persistence.storageClass=fast",
    ),
    (
        "serviceMonitor.enabled=true",
        "persistence.existingClaim=mine",
        "api.env.GRAPHSVC_ALLOWED_HOSTS=graph.example",
    ),
]
needs_helm = pytest.mark.skipif(
    HELM is None, reason="helm is not installed; make charts builds it (needs Go)"
)


@needs_helm
def test_the_chart_is_without_fault() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


@needs_helm
@pytest.mark.parametrize("values", VARIANTS, ids=lambda values: ",".join(values) or "default")
def test_what_the_chart_makes_is_valid_and_starts_the_service(values: tuple[str, ...]) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="make charts installs kubernetes-validate")
    objects = render(*values)
    for each in objects:
        if (
            each["kind"] != "ServiceMonitor"
        ):  # of the Prometheus operator, whose schemas are not Kubernetes' own
            validate.validate(each, KUBERNETES, strict=True)
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in objects
        if each["kind"] == "Deployment"
    }
    for pod in pods.values():
        (container,) = pod["containers"]
        check_arguments(container["args"])
        check_settings([each["name"] for each in container["env"]])
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in pod["volumes"]}
        # The image's user may write nowhere else.
        assert container["securityContext"]["readOnlyRootFilesystem"]
        settings = {each["name"]: each["value"] for each in container["env"]}
        needed = float(settings["GRAPHSVC_DRAIN_SECONDS"]) + float(settings["GRAPHSVC_SHUTDOWN_SECONDS"])
        assert pod["terminationGracePeriodSeconds"] > needed
    hosts = next(
        each["value"]
        for each in pods["demo-graphsvc-api"]["containers"][0]["env"]
        if each["name"] == "GRAPHSVC_ALLOWED_HOSTS"
    ).split(",")
    given = any("ALLOWED_HOSTS" in value for value in values)
    assert ("demo-graphsvc-api" in hosts) is not given
    assert ("graph.example" in hosts) is (given or "ingress.enabled=true" in values)
    arguments = {name: pod["containers"][0]["args"] for name, pod in pods.items()}
    assert not {"--every", "--cron"} & set(arguments["demo-graphsvc-api"])
    scheduled = arguments.get("demo-graphsvc-scheduler", [])
    assert bool({"--every", "--cron"} & set(scheduled)) == ("scheduler.enabled=false" not in values)
    claims = [each["metadata"]["name"] for each in objects if each["kind"] == "PersistentVolumeClaim"]
    assert claims == ([] if "persistence.existingClaim=mine" in values else ["demo-graphsvc"])
    # Each service finds the pods of its component, and of no other.
    labels = [
        each["spec"]["template"]["metadata"]["labels"] for each in objects if each["kind"] == "Deployment"
    ]
    for each in objects:
        if each["kind"] == "Service":
            wanted = each["spec"]["selector"].items()
            assert len([known for known in labels if wanted <= known.items()]) == 1


@needs_helm
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("scheduler.cron=0 3 * * *", "one of scheduler.every and scheduler.cron"),
        ("scheduler.every=daily", "every"),
        ("neo4j.uri=http://neo4j", "uri"),
        ("api.replicas=0", "replicas"),
        ("persistence.accessMode=ReadWriteOncePod", "share a volume"),
    ],
)
def test_values_that_cannot_be_are_said(value: str, said: str) -> None:
    done = template("--set", value)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; make charts builds it (needs Go)")
def test_the_alert_rules_are_without_fault() -> None:
    assert PROMTOOL
    rules = str(OPERATIONS / "alerts.yaml")
    done = subprocess.run([PROMTOOL, "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
