"""docker-compose.yml says nothing that the code does not know, and keeps the rules for containers."""

import inspect
import json
import re
import subprocess
from collections import Counter
from importlib import resources, util
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet
from jsonschema.validators import validator_for

from answerloop import label_studio
from answerloop.db.engine_postgres import POOL_SIZE
from answerloop.secret_files import is_secret
from answerloop.settings import Settings
from answerloop.tasks import QUEUES, REVIEW
from tests.unit.project.compose import DOCKER, FILE, ROOT, load, ours, programs, services, settings_of
from workers.serving import GROUPS


def known() -> set[str]:
    names = {f"ANSWERLOOP_{name.upper()}" for name in Settings.model_fields}
    files = {f"ANSWERLOOP_{name.upper()}_FILE" for name, field in Settings.model_fields.items() if is_secret(field)}
    return names | files


# --- the file


def test_it_keeps_to_the_schema_of_the_compose_specification():
    file = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    validator = validator_for(schema)(schema)
    errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(load())]
    assert errors == []


def test_every_variable_has_a_default_and_none_is_a_setting():
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", FILE.read_text()))
    assert used == set(re.findall(r"(?<!\$)\$\{(\w+):-", FILE.read_text()))
    assert not {name for name in used if name.startswith("ANSWERLOOP_")}, "these would be unknown settings in .env"


def test_what_it_names_is_declared_and_what_it_declares_is_used():
    whole = load()
    for kind in ("networks", "secrets"):
        used = {name for service in services().values() for name in service.get(kind, [])}
        assert used == set(whole[kind]), kind
    mounts = [mount.split(":") for service in services().values() for mount in service.get("volumes", [])]
    assert {source for source, *_ in mounts if not source.startswith(".")} == set(whole["volumes"])
    for name, service in services().items():
        assert set(service.get("depends_on", {})) <= set(services()), name


def test_every_file_it_mounts_or_builds_from_is_there():
    for name, service in services().items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), (name, source)
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()


# --- rules for every container


@pytest.mark.parametrize("name", services())
def test_a_container_may_do_as_little_as_possible(name):
    service = services()[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert not any("docker.sock" in mount for mount in service.get("volumes", []))


@pytest.mark.parametrize("name", services())
def test_a_container_has_limits_and_its_image_is_pinned(name):
    service = services()[name]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    tag = service["image"].partition(":")[2]
    assert re.match(r"v?\d+\.\d+", tag), "an image without a version"


@pytest.mark.parametrize("name", [name for name in services() if name not in ("volumes", "migrate")])
def test_a_container_that_stays_has_a_health_check_and_comes_back(name):
    service = services()[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["restart"] == "unless-stopped"


def test_ports_are_published_on_loopback_by_those_that_people_use():
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(published) == {"bot", "review", "label-studio", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_what_holds_data_cannot_be_reached_from_outside():
    assert load()["networks"]["inside"] == {"internal": True}
    for name in ("redis", "postgres", "weaviate", "prometheus", "worker-index", "worker-train", "worker-train-gpu"):
        assert services()[name]["networks"] == ["inside"], name


def test_no_secret_stands_in_the_file():
    for name, service in services().items():
        for variable, value in settings_of(service).items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY", variable) and not variable.endswith(("_ENABLED", "_USERS")):
                assert variable.endswith("_FILE") or value in ("true", "false", ""), (name, variable)
                assert not value.startswith("/") or value.startswith("/run/secrets/"), (name, variable)


def test_a_container_has_the_secrets_it_reads_and_no_more():
    for name, service in services().items():
        said = json.dumps([service.get("environment"), service.get("command"), service.get("healthcheck")])
        read = set(re.findall(r"/run/secrets/(\w+)", said))
        assert read == set(service.get("secrets", [])), name


def test_the_script_makes_every_secret_and_keeps_what_is_there(tmp_path):
    subprocess.run(["sh", DOCKER / "make-secrets", tmp_path / "s"], check=False)  # fails where nobody is root
    files = {path.name: path.read_text() for path in (tmp_path / "s").iterdir()}
    assert set(files) == set(load()["secrets"])
    assert all(
        path == f".docker/secrets/{name}" for name, secret in load()["secrets"].items() for path in secret.values()
    )
    assert len(set(files.values())) == len(files)
    assert len(files["label_studio_token"].strip()) == 2 * label_studio.TOKEN_BYTES
    Fernet(files["secret_keys"].strip())
    assert not any(path.stat().st_mode & 0o007 for path in (tmp_path / "s").iterdir())
    subprocess.run(["sh", DOCKER / "make-secrets", tmp_path / "s"], check=False)
    assert {path.name: path.read_text() for path in (tmp_path / "s").iterdir()} == files


# --- what it says is in the code


@pytest.mark.parametrize("name", ours())
def test_every_setting_it_gives_is_one(name):
    assert {each for each in settings_of(ours()[name]) if each.startswith("ANSWERLOOP_")} <= known()


def test_every_name_in_the_example_of_settings_is_one_and_none_is_overruled():
    text = (DOCKER / "answerloop.env.example").read_text()
    names = set(re.findall(r"^#?(ANSWERLOOP_\w+)=", text, re.MULTILINE))
    assert names
    assert names <= known()
    assert not names & set(settings_of(ours()["bot"]))


def test_every_module_it_starts_exists():
    for name, service in ours().items():
        commands = [service.get("command", []), service.get("healthcheck", {}).get("test", [])[1:]]
        for command in commands:
            if "-m" in command:
                assert util.find_spec(command[command.index("-m") + 1]), (name, command)


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_the_workers_of_a_profile_serve_every_queue_once(profile):
    served = Counter()
    for service in programs().values():
        if profile not in service.get("profiles", [profile]):
            continue
        match service["command"]:
            case ["python", "-m", "workers", "serve", group]:
                served.update(GROUPS[group][0])
            case ["python", "-m", "review", "worker"]:
                served.update([REVIEW])
    assert served == Counter(QUEUES)


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_one_beat_one_bot_and_one_dashboard(profile):
    running = {name: service["command"] for name, service in programs().items()}
    for command in (["-m", "workers", "beat"], ["-m", "bot"], ["-m", "review"]):
        assert len([each for each in running.values() if each[1:] == command]) == 1


def test_only_the_gpu_profile_asks_for_a_gpu():
    for name, service in services().items():
        devices = service["deploy"]["resources"].get("reservations", {}).get("devices", [])
        on_gpu = settings_of(service).get("ANSWERLOOP_DEVICE", "").startswith("cuda")
        assert bool(devices) == on_gpu == (service.get("profiles") == ["gpu"]), name


def test_the_ports_are_those_of_the_settings():
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert services()["bot"]["ports"][0].endswith(f":{defaults['port']}")
    assert services()["review"]["ports"][0].endswith(f":{defaults['review_port']}")
    assert f":{defaults['port']}/healthz" in services()["bot"]["healthcheck"]["test"][-1]
    assert f":{defaults['review_port']}/healthz" in services()["review"]["healthcheck"]["test"][-1]
    environment = settings_of(services()["bot"])
    assert environment["ANSWERLOOP_LABEL_STUDIO_HINT_URL"].endswith(f":{defaults['review_port']}/webhooks/label-studio")
    for name in re.findall(r"://(?:\w+@)?([\w-]+)[:/]", " ".join(environment.values())):
        assert name in services(), f"{name} is no service"


def test_every_program_waits_for_the_database_to_be_migrated():
    for name, service in programs().items():
        needs = service["depends_on"]
        assert needs["migrate"]["condition"] == "service_completed_successfully", name
        assert needs["postgres"]["condition"] == needs["redis"]["condition"] == "service_healthy"


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_postgresql_has_room_for_the_connections_that_all_programs_keep(profile):
    postgres = services()["postgres"]
    [most] = [int(word.partition("=")[2]) for word in postgres["command"] if word.startswith("max_connections=")]
    running = [name for name, each in programs().items() if profile in each.get("profiles", [profile])]
    assert most >= POOL_SIZE * (len(running) + 1), "and once more the largest while it is recreated"
    assert postgres["deploy"]["resources"]["limits"]["pids"] > most, "a connection is a process there"


def test_programs_share_their_state_and_it_is_where_the_settings_say():
    for name, service in programs().items():
        environment = settings_of(service)
        assert f"state:{environment['ANSWERLOOP_HOME']}" in service["volumes"], name
        assert environment["ANSWERLOOP_ALIVE_FILE"].startswith("/tmp/"), "each container has its own"


def test_every_volume_is_given_to_the_user_of_the_containers_first():
    given = {mount.split(":")[0]: mount.split(":")[1] for mount in services()["volumes"]["volumes"]}
    assert given == {name: f"/volumes/{name}" for name in load()["volumes"]}
    made = re.search(r"for name in ([\w -]+);", (DOCKER / "Dockerfile").read_text())
    assert made
    assert set(made[1].split()) == set(given)
    for name in services():
        if any(mount.split(":")[0] in given for mount in services()[name].get("volumes", [])) and name != "volumes":
            assert {"volumes", "migrate"} & set(services()[name]["depends_on"]), name


def test_label_studio_is_the_one_we_know_and_set_up_as_we_do_it():
    service = services()["label-studio"]
    assert service["image"].endswith(f":{label_studio.VERSION}")
    there = settings_of(service)
    ours_ = label_studio.server_environment(Path("/data"), label_studio.Secrets("p", "t", "h"))
    for name, value in ours_.items():
        if name.startswith("LABEL_STUDIO_") and not name.endswith(("DATA_DIR", "PASSWORD", "TOKEN")):
            assert there[name] == value, name
    assert ":8080/health'" in service["healthcheck"]["test"][-1]
    assert 'f"{url}/health"' in inspect.getsource(label_studio.is_up)


def test_the_example_of_settings_names_no_file_of_a_secret():
    """Every container reads it, and one without that secret would not start."""
    names = set(re.findall(r"(ANSWERLOOP_\w+_FILE)=", (DOCKER / "answerloop.env.example").read_text()))
    secret = {f"ANSWERLOOP_{name.upper()}_FILE" for name, field in Settings.model_fields.items() if is_secret(field)}
    assert not names & secret


# --- the overrides of the page


class Override(yaml.SafeLoader):
    """Knows how compose is told to forget what the first file says."""


Override.add_constructor("!reset", lambda loader, node: None)
PAGE = (ROOT / "docs" / "containers.md").read_text()
OVERRIDES = [yaml.load(block, Override) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
OF_YOURS = {"proxy"}


@pytest.mark.parametrize("overlay", OVERRIDES, ids=lambda overlay: next(iter(overlay["services"])))
def test_an_override_in_the_page_names_what_there_is_and_gives_the_secrets_it_asks_for(overlay):
    for name, service in overlay["services"].items():
        assert name in services().keys() | OF_YOURS, name
        assert set(service.get("environment", {})) <= known(), name
        read = set(re.findall(r"/run/secrets/(\w+)", json.dumps(service.get("environment", {}))))
        assert read == set(service.get("secrets", [])) <= set(overlay.get("secrets", {})), name


def test_the_key_of_a_model_outside_goes_to_those_who_answer_alone():
    [overlay] = [each for each in OVERRIDES if "openai_api_key" in each.get("secrets", {})]
    assert set(overlay["services"]) == {"worker-answer", "worker-answer-gpu"}


def test_the_one_trusted_address_is_the_proxys_on_a_network_of_its_own():
    example = (DOCKER / "answerloop.env.example").read_text()
    said = re.findall(r"ANSWERLOOP_TRUSTED_PROXIES=(\S+)", example + PAGE)
    assert len(set(said)) == 1
    trusted = ip_network(said[0])
    [overlay] = [each for each in OVERRIDES if "proxy" in each["services"]]
    door = overlay["services"]["proxy"]["networks"]["door"]
    assert trusted.num_addresses == 1, "a range holds the gateway, which speaks for everybody"
    assert str(trusted.network_address) == door["ipv4_address"]
    [pool] = overlay["networks"]["door"]["ipam"]["config"]
    assert trusted.subnet_of(ip_network(pool["subnet"]))
    assert ip_address(pool["gateway"]) not in trusted
    assert "door" not in load()["networks"]
    for name in ("bot", "review"):
        assert overlay["services"][name]["ports"] is None, "nobody comes past the proxy"
        assert overlay["services"][name]["networks"] == ["door"]
    assert {name for name, each in overlay["services"].items() if "door" in each["networks"]} == {
        "proxy",
        "bot",
        "review",
    }
