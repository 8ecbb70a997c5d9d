"""scripts/check-integration has nothing to complain about, and notices what is broken."""

from pathlib import Path
import re
import shutil
import subprocess

import pytest

from checks import home_assistant, problems

REPOSITORY = Path(__file__).parent.parent
INTEGRATION = Path("custom_components/portshare")
EN = "translations/en.json"
DE = "translations/de.json"

YARL = home_assistant.constraints()["yarl"]


def test_the_command_says_that_all_is_well() -> None:
    done = subprocess.run(
        ["scripts/check-integration"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "check-integration: nothing to complain about\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository that may be broken."""
    for file in ("CHANGELOG.md", "LICENSE", "README.md", "hacs.json", "pyproject.toml"):
        shutil.copy(REPOSITORY / file, tmp_path)
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts" / "test", tmp_path / "scripts")
    shutil.copytree(
        REPOSITORY / INTEGRATION,
        tmp_path / INTEGRATION,
        ignore=shutil.ignore_patterns("__pycache__", "frontend"),
    )
    return tmp_path


def replace(copy: Path, file: str, old: str, new: str) -> None:
    """Put other words into a file of the integration, or else of the repository."""
    path = copy / INTEGRATION / file
    if not path.exists():
        path = copy / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_copy_is_as_good(copy: Path) -> None:
    assert problems(copy) == []


# What is replaced in which file by what, and all that is said of it then.
type Break = tuple[str, str, str, list[str]]

MANIFEST: list[Break] = [
    (
        "manifest.json",
        '"integration_type": "hub",\n',
        "",
        [
            "manifest.json: integration_type is missing; say it",
            "manifest.json: integration_type None; choose of device, entity, hardware, "
            "helper, hub, service, system, virtual",
        ],
    ),
    (
        "manifest.json",
        '"config_flow"',
        '"config_flaw": true, "config_flow"',
        ["manifest.json: Home Assistant knows no config_flaw; remove it"],
    ),
    (
        "manifest.json",
        '"connectivity"',
        '"version": "0.1.0", "connectivity"',
        [
            "manifest.json: keys are out of order; domain, name, then by the alphabet",
        ],
    ),
    (
        "manifest.json",
        '"requirements"',
        '"quality_scale": "platinum", "requirements"',
        ["manifest.json: quality_scale is for core only; remove it"],
    ),
    (
        "manifest.json",
        '"domain": "portshare"',
        '"domain": "sun"',
        [
            "manifest.json: domain sun is not the name of the folder; make them equal",
            "const.py: DOMAIN portshare is not that of the manifest; make them equal",
            "manifest.json: Home Assistant has its own sun; choose another domain",
        ],
    ),
    (
        "manifest.json",
        "local_push",
        "local_pull",
        [
            "manifest.json: iot_class local_pull; choose of assumed_state, calculated, "
            "cloud_polling, cloud_push, local_polling, local_push",
        ],
    ),
    (
        "manifest.json",
        "@portshare",
        "portshare",
        ["manifest.json: code owner portshare is no account; begin it with @"],
    ),
    (
        "manifest.json",
        '"documentation": "https://github.com/portshare/portshare"',
        '"documentation": "https://www.home-assistant.io"',
        [
            "manifest.json: documentation https://www.home-assistant.io is not a https "
            "page of our own; name one",
        ],
    ),
    (
        "manifest.json",
        '"config_flow": true',
        '"config_flow": false',
        [
            "manifest.json: config_flow is not whether there is a config_flow.py; say so",
            "quality_scale.yaml: config-flow is not done: the manifest has no config_flow",
        ],
    ),
    (
        "manifest.json",
        '"version": "0.1.0"',
        '"version": "first"',
        [
            "manifest.json: first is not a semantic version; write MAJOR.MINOR.PATCH",
        ],
    ),
    (
        "manifest.json",
        "pyroute2>=0.9.6,<0.10",
        "pyroute2==0.9.7",
        [
            "manifest.json: pyroute2==0.9.7 is not a range; write NAME>=VERSION,<VERSION",
            "manifest.json: pyroute2==0.9.7 keeps out pyroute2==0.9.6 of thread; "
            "widen the range",
        ],
    ),
    (
        "manifest.json",
        '"pyroute2>=',
        '"yarl>=9,<10", "pyroute2>=',
        [
            f"manifest.json: yarl>=9,<10 keeps out {YARL} of "
            "package_constraints.txt; widen the range",
            "manifest.json: what yarl logs is not in loggers; add its logger",
        ],
    ),
    (
        "manifest.json",
        "pyroute2>=0.9.6,<0.10",
        "pyroute2 or so",
        [
            "manifest.json: pyroute2 or so is not a requirement; write "
            "NAME>=VERSION,<VERSION",
        ],
    ),
    (
        "gateway/netlink.py",
        "import asyncio",
        "import scapy",
        ["gateway.netlink.py: imports scapy; add its package to requirements"],
    ),
    (
        "manifest.json",
        '"network",',
        "",
        ["manifest.json: issues.py imports network; add it to dependencies"],
    ),
    (
        "manifest.json",
        '"network",',
        '"network", "notify", "nowhere",',
        [
            "manifest.json: notify is in dependencies and in after_dependencies; choose",
            "manifest.json: depends on nowhere, which there is not; remove it",
        ],
    ),
    (
        "manifest.json",
        '"loggers": [\n    "pyroute2"',
        '"loggers": [\n    "portshare"',
        [
            "manifest.json: logger portshare is of no requirement; remove it",
            "manifest.json: what pyroute2 logs is not in loggers; add its logger",
        ],
    ),
]

VERSIONS: list[Break] = [
    (
        "pyproject.toml",
        'version = "0.1.0"',
        'version = "0.2.0"',
        ["pyproject.toml: version 0.2.0 is not the manifest's, 0.1.0"],
    ),
    (
        "CHANGELOG.md",
        "## 0.1.0 (",
        "## 0.2.0 (not released yet)\n\n## 0.1.0 (",
        ["CHANGELOG.md: the newest heading is not of 0.1.0; say what is new"],
    ),
    (
        "CHANGELOG.md",
        "## 0.1.0 (not released yet)",
        "## 0.1.0 (2026-11-23)\n\n## 0.2.0 (2026-11-22)",
        ["CHANGELOG.md: versions are out of order; the newest comes first"],
    ),
    (
        "CHANGELOG.md",
        "## 0.1.0 (not released yet)",
        "## 0.1.0 (2026-11-23)\n\n## before",
        ['CHANGELOG.md: "## before" is not "## VERSION (YYYY-MM-DD)"'],
    ),
]

LANGUAGES: list[Break] = [
    (
        DE,
        '"title": "Portfreigaben",',
        "",
        ["translations/de.json: title is missing; translate it"],
    ),
    (
        DE,
        '"title": "Portfreigaben",',
        '"title": "Portfreigaben", "titel": "Portfreigaben",',
        ["translations/de.json: titel is not in en.json; remove it"],
    ),
    (
        DE,
        "{address}",
        "{adresse}",
        [
            "translations/de.json: options.step.protect_from_outside.description has "
            "other placeholders than en.json; name the same",
        ],
    ),
    *(
        (DE, '"Portfreigaben"', f'"{text}"', [f"translations/de.json: title {said}"])
        for text, said in (
            (" Freigaben", "is empty, or has spaces around it; trim it"),
            ("<b>Freigaben</b>", "has HTML in it; use Markdown"),
            (
                "Siehe https://example.org",
                "has an address of a page in it; give it as a placeholder",
            ),
            (
                "[%key:common::state::off%]",
                "refers to another text, which only core can; write it out",
            ),
        )
    ),
    (
        DE,
        "{address}",
        "'{address}'",
        [
            "translations/de.json: options.step.protect_from_outside.description has a "
            "placeholder in single quotes, which hide it; use double quotes",
        ],
    ),
    (
        DE,
        "{value}",
        "{}",
        [
            "translations/de.json: config_subentries.device.error.invalid_port has other "
            "placeholders than en.json; name the same",
            "translations/de.json: config_subentries.device.error.invalid_port has a "
            "placeholder without a name; name it",
        ],
    ),
]

TEXTS: list[Break] = [
    (
        "services.py",
        'translation_key="not_loaded"',
        'translation_key="asleep"',
        [
            "translations/en.json: exceptions.asleep is missing, which services.py raises",
            "translations/en.json: nothing raises exceptions.not_loaded; remove it",
        ],
    ),
    (
        "services.py",
        '{"device": device.name or device_id}',
        "{}",
        ["services.py: gives no device, which exceptions.not_a_sharing_device names"],
    ),
    (
        "sharing/errors.py",
        'key = "missing_port"',
        'key = "no_port"',
        [
            "translations/en.json: exceptions.no_port is missing; an error has this key",
            "translations/en.json: nothing raises exceptions.missing_port; remove it",
            "translations/en.json: nothing says "
            "config_subentries.device.error.missing_port; remove it",
        ],
    ),
    (
        "button.py",
        'translation_key="close_all"',
        'translation_key="open_all"',
        [
            "translations/en.json: entity.button.open_all is missing; the platform has it",
            "translations/en.json: entity.button.close_all is of no entity; remove it",
            "icons.json: button.close_all is no entity; remove its icon",
            "icons.json: button.open_all has no icon and no device class; add an icon",
        ],
    ),
    (
        "issues.py",
        '"dns_name_elsewhere"',
        '"dns_name_nowhere"',
        [
            "translations/en.json: nothing raises issues.dns_name_elsewhere; remove it",
            "translations/en.json: issues.dns_name_nowhere is missing, which is "
            "issues.ISSUE_DNS_NAME",
        ],
    ),
    (
        "config_flow.py",
        'translation_key="asked_by"',
        'translation_key="asked_how"',
        [
            "translations/en.json: selector.asked_how is missing; a form uses it",
            "translations/en.json: nothing uses selector.asked_by; remove it",
        ],
    ),
    (
        "sharing/applications.py",
        '"syncthing"',
        '"synching"',
        ["translations/en.json: selector.application has no syncthing; remove it"],
    ),
    (
        "services.yaml",
        "            - gre\n",
        "            - gre\n            - sctp\n",
        ["translations/en.json: add_share.protocol offers sctp; name it"],
    ),
    (
        "system_health.py",
        '"egress_hook"',
        '"egress"',
        [
            "translations/en.json: system_health.info.egress is missing; "
            "system_health.py tells it",
            "translations/en.json: system_health.py tells no egress_hook; remove it",
        ],
    ),
]

FLOWS: list[Break] = [
    (
        "config_flow.py",
        "async def async_step_reconfigure",
        "async def async_step_again",
        [
            "translations/en.json: config.step.again is missing; the flow has it",
            "translations/en.json: config.step.reconfigure is no step; remove it",
            "quality_scale.yaml: reconfiguration-flow is not done: config_flow.py has no "
            "async_step_reconfigure",
        ],
    ),
    (
        EN,
        '"edit": "Edit a share"',
        '"modify": "Edit a share"',
        [
            "translations/de.json: config_subentries.device.step.reconfigure.menu_options."
            "edit is not in en.json; remove it",
            "translations/de.json: config_subentries.device.step.reconfigure.menu_options."
            "modify is missing; translate it",
            "translations/en.json: config_subentries.device.step.reconfigure offers "
            "modify, which is no step",
        ],
    ),
    (
        "repairs.py",
        "async def async_step_by_hand",
        "async def async_step_by_foot",
        [
            "translations/en.json: issues.*.fix_flow.step.by_foot is missing; the flow "
            "has it",
            "translations/en.json: issues.*.fix_flow.step.by_hand is no step; remove it",
        ],
    ),
    (
        "subentry_flow.py",
        'CONF_APPLICATION: Final = "application"',
        'CONF_APPLICATION: Final = "program"',
        [
            "translations/en.json: subentry_flow.py has a field program; give it a label",
            "translations/en.json: subentry_flow.py has no field application; "
            "remove its label",
        ],
    ),
    (
        "config_flow.py",
        '"no_interface" for',
        '"nothing" for',
        [
            "translations/en.json: nothing says config.error.no_interface; remove it",
            "translations/en.json: error.nothing is missing, which config_flow.py shows",
        ],
    ),
    (
        "config_flow.py",
        '= "same_interface"',
        '= "one_interface"',
        [
            "translations/en.json: nothing says config.error.same_interface; remove it",
            "translations/en.json: error.one_interface is missing, which config_flow.py "
            "shows",
        ],
    ),
    (
        "subentry_flow.py",
        'reason="saved"',
        'reason="stored"',
        [
            "translations/en.json: nothing says config_subentries.device.abort.saved; "
            "remove it",
            "translations/en.json: abort.stored is missing, which subentry_flow.py says",
        ],
    ),
    (
        "config_flow.py",
        'description_placeholders={"address": address}',
        'description_placeholders={"browser": address}',
        [
            "config_flow.py: gives no address, which step.protect_from_outside names",
        ],
    ),
]

ICONS: list[Break] = [
    (
        "icons.json",
        '"mdi:web"',
        '"web"',
        [
            "icons.json: entity.binary_sensor.internet.default is web; name an icon as "
            "mdi:door-open",
        ],
    ),
    (
        "icons.json",
        "mdi:web-off",
        "mdi:web",
        [
            "icons.json: binary_sensor.internet has the default icon for off; leave it "
            "out",
        ],
    ),
    (
        "icons.json",
        '"device_unknown"',
        '"device_gone"',
        ["icons.json: sensor.status has no state device_gone; remove its icon"],
    ),
    (
        "icons.json",
        '"add_share"',
        '"insert_share"',
        [
            "icons.json: service add_share has no icon; add one",
            "icons.json: there is no service insert_share; remove its icon",
        ],
    ),
]

SERVICES: list[Break] = [
    (
        "services.py",
        'CLOSE_ALL = "close_all"',
        'CLOSE_ALL = "shut_all"',
        [
            "services.yaml: shut_all is missing, which services.py registers",
            "services.yaml: services.py registers no close_all; remove it",
        ],
    ),
    (
        "services.yaml",
        "    always:",
        "    forever:",
        [
            "services.yaml: no service has the field always, which services.py takes",
            "services.yaml: services.py takes no forever; remove the field",
            "translations/en.json: approve_request.always is here or in services.yaml "
            "only",
            "translations/en.json: approve_request.forever is here or in services.yaml "
            "only",
        ],
    ),
    (
        "services.yaml",
        "    duration:\n      required: true\n",
        "    duration:\n      necessary: true\n",
        [
            "services.yaml: open_temporarily.duration has an unknown necessary; remove it",
        ],
    ),
    (
        "services.yaml",
        "        duration:\n          enable_day: true\n",
        "        time_span:\n",
        [
            "services.yaml: open_temporarily.duration: Unknown selector type time_span "
            "found; mend its selector",
        ],
    ),
    (
        EN,
        '"disable_independent": {\n      "name": "Disable independent port sharing",\n'
        '      "description"',
        '"disable": {\n      "name": "Disable independent port sharing",\n'
        '      "description"',
        [
            "translations/de.json: services.disable.description is missing; translate it",
            "translations/de.json: services.disable.name is missing; translate it",
            "translations/de.json: services.disable_independent.description is not in "
            "en.json; remove it",
            "translations/de.json: services.disable_independent.name is not in en.json; "
            "remove it",
            "translations/en.json: disable is here or in services.yaml only",
            "translations/en.json: disable_independent is here or in services.yaml only",
        ],
    ),
]

QUALITY_SCALE: list[Break] = [
    (
        "quality_scale.yaml",
        "  dynamic-devices: done\n",
        "",
        ["quality_scale.yaml: dynamic-devices is missing; say whether it is done"],
    ),
    (
        "quality_scale.yaml",
        "  dynamic-devices: done\n",
        "  dynamic-devices: done\n  perfect: done\n",
        ["quality_scale.yaml: there is no rule perfect; remove it"],
    ),
    (
        "quality_scale.yaml",
        "dynamic-devices: done",
        "dynamic-devices: todo",
        [
            "quality_scale.yaml: dynamic-devices is todo; do it, or say why it is exempt",
        ],
    ),
    (
        "quality_scale.yaml",
        "dynamic-devices: done",
        "dynamic-devices: exempt",
        ["quality_scale.yaml: dynamic-devices is exempt; say why in a comment"],
    ),
]

# Of rules that are said to be done: rule, file, what is replaced by what, what is said.
PROOFS = [
    (
        "action-setup",
        "__init__.py",
        "await async_setup_panel(hass)",
        "async_setup_services(hass)",
        "__init__.py registers services with an entry; do it without",
    ),
    (
        "config-flow",
        EN,
        '"dns_name": "A name',
        '"dns": "A name',
        "options.step.init has no data_description of dns_name",
    ),
    (
        "has-entity-name",
        "entity.py",
        "_attr_has_entity_name = True",
        "_attr_has_entity_name = False",
        "button.CloseAllButton has no _attr_has_entity_name = True",
    ),
    (
        "runtime-data",
        "__init__.py",
        "entry.runtime_data = coordinator",
        "hass.data[DOMAIN] = coordinator",
        "async_setup_entry does not set entry.runtime_data",
    ),
    (
        "runtime-data",
        "button.py",
        "entry: PortShareConfigEntry",
        "entry: ConfigEntry",
        "button.async_setup_entry takes an entry of any type",
    ),
    (
        "unique-config-entry",
        "manifest.json",
        '"single_config_entry": true',
        '"single_config_entry": false',
        "the same can be set up twice",
    ),
    (
        "config-entry-unloading",
        "__init__.py",
        "async def async_unload_entry",
        "async def async_unload",
        "there is no async_unload_entry",
    ),
    (
        "integration-owner",
        "manifest.json",
        '"@portshare"',
        "",
        "the manifest names no code owner",
    ),
    (
        "parallel-updates",
        "sensor.py",
        "PARALLEL_UPDATES = 0",
        "",
        "sensor.py sets no PARALLEL_UPDATES",
    ),
    (
        "reauthentication-flow",
        "quality_scale.yaml",
        "reauthentication-flow:\n    status: exempt",
        "reauthentication-flow:\n    status: done",
        "config_flow.py has no async_step_reauth",
    ),
    (
        "test-coverage",
        "scripts/test",
        "LEAST_COVERAGE=95",
        "LEAST_COVERAGE=90",
        "scripts/test does not ask for 95 %",
    ),
    (
        "diagnostics",
        "diagnostics.py",
        "def async_get_config_entry_diagnostics",
        "def async_get_diagnostics",
        "diagnostics.py has no async_get_config_entry_diagnostics",
    ),
    (
        "discovery",
        "quality_scale.yaml",
        "discovery:\n    status: exempt",
        "discovery:\n    status: done",
        "the manifest says nothing by which to discover it",
    ),
    (
        "entity-disabled-by-default",
        "sensor.py",
        "entity_registry_enabled_default: bool = False",
        "",
        "no entity is disabled at first",
    ),
    (
        "exception-translations",
        "services.py",
        """translation_domain=DOMAIN, translation_key="not_loaded"
""",
        '"Not loaded"\n',
        "services.py, line 199: an exception without a text",
    ),
    (
        "icon-translations",
        "button.py",
        'key="close_all",',
        'key="close_all", icon="mdi:door",',
        "button.py has an icon; put it into icons.json",
    ),
    (
        "strict-typing",
        "quality_scale.yaml",
        "strict-typing:\n    status: exempt",
        "strict-typing:\n    status: done",
        "pyroute2 ships no types (PEP 561)",
    ),
    (
        "docs-removal-instructions",
        "README.md",
        "## Removal",
        "## Farewell",
        'README.md has no heading "Removal"',
    ),
]

# The same, of what is in many places.
PROOFS_ELSEWHERE = [
    (
        "test-before-setup",
        r"(ConfigEntryError|async_config_entry_first_refresh)(?=\()",
        "nothing raises when the entry cannot be set up",
    ),
    (
        "action-exceptions",
        r"ServiceValidationError(?=\()",
        "no service says what is wrong with a call",
    ),
    ("repair-issues", r"async_create_issue(?=\()", "nothing raises an issue"),
    (
        "docs-actions",
        "deny_request",
        "README.md does not name the service deny_request",
    ),
    (
        "docs-configuration-parameters",
        "Change notice",
        'README.md does not name the option "Change notice"',
    ),
]

HACS: list[Break] = [
    (
        "hacs.json",
        '"hide_default_branch": true',
        '"hide_default_branch": "yes", "domains": ["switch"]',
        [
            "hacs.json: hide_default_branch is 'yes', which HACS refuses; mend it",
            "hacs.json: HACS knows no domains; remove it",
        ],
    ),
    (
        "hacs.json",
        "Port sharing",
        "portshare",
        ["hacs.json: name is not that of the manifest; make them equal"],
    ),
    (
        "hacs.json",
        "2026.10.0",
        "new",
        ["hacs.json: homeassistant new is not a version; name the oldest"],
    ),
    (
        "hacs.json",
        "2026.10.0",
        "2026.1.0",
        ["README.md: does not say that it needs Home Assistant 2026.1.0; say it"],
    ),
]

UNREADABLE: list[Break] = [
    (
        "manifest.json",
        "{",
        "",
        [
            "custom_components/portshare/manifest.json: is not JSON: Extra data: line 2 "
            "column 11 (char 11)",
        ],
    ),
    (
        "hacs.json",
        '"name"',
        "name",
        [
            "hacs.json: is not JSON: Expecting property name enclosed in double quotes: "
            "line 2 column 3 (char 4)",
        ],
    ),
    (
        "services.yaml",
        "add_share:",
        "- add_share:",
        [
            "custom_components/portshare/services.yaml: is not YAML: while parsing a "
            "block collection",
        ],
    ),
    (
        EN,
        '"invalid_port": {\n      "message"',
        '"invalid_port": {\n      "massage"',
        ["translations/en.json: is not as Home Assistant reads it:"],
    ),
    (
        "icons.json",
        '"default": "mdi:web"',
        '"always": "mdi:web"',
        ["icons.json: is not as Home Assistant reads it:"],
    ),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        *MANIFEST,
        *VERSIONS,
        *LANGUAGES,
        *TEXTS,
        *FLOWS,
        *ICONS,
        *SERVICES,
        *QUALITY_SCALE,
        *HACS,
    ],
)
def test_what_is_broken_is_said_and_nothing_else(
    copy: Path, file: str, old: str, new: str, said: list[str]
) -> None:
    replace(copy, file, old, new)
    assert sorted(problems(copy)) == sorted(said)


@pytest.mark.parametrize(("rule", "file", "old", "new", "said"), PROOFS)
def test_a_rule_that_is_not_kept_is_not_done(
    copy: Path, rule: str, file: str, old: str, new: str, said: str
) -> None:
    replace(copy, file, old, new)
    assert f"quality_scale.yaml: {rule} is not done: {said}" in problems(copy)


@pytest.mark.parametrize(("rule", "needed", "said"), PROOFS_ELSEWHERE)
def test_a_rule_that_is_kept_nowhere_is_not_done(
    copy: Path, rule: str, needed: str, said: str
) -> None:
    for path in (copy / "README.md", *(copy / INTEGRATION).rglob("*.py")):
        path.write_text(re.sub(needed, "nothing", path.read_text()))
    assert f"quality_scale.yaml: {rule} is not done: {said}" in problems(copy)


def test_a_text_of_what_no_entity_tells_is_said(copy: Path) -> None:
    for path in (copy / INTEGRATION).rglob("*.py"):
        path.write_text(path.read_text().replace('"internal_port_end"', '"last_port"'))
    assert problems(copy) == [
        "translations/en.json: entity.switch.share has no internal_port_end; remove it"
    ]


def test_categories_are_compared_with_those_of_a_newer_home_assistant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lists = {
        "integration_categories": [
            {"slug": "cars", "subcategories": [{"slug": "keys"}]}
        ],
        "integration_connectivity": [{"slug": "host"}],
    }
    monkeypatch.setattr(home_assistant, "generated", lists.get)
    assert problems(REPOSITORY) == [
        "manifest.json: categories has no computers_network.routers_network; "
        "choose another"
    ]


@pytest.mark.parametrize(("file", "old", "new", "said"), UNREADABLE)
def test_a_file_that_cannot_be_read_is_said_and_nothing_of_it(
    copy: Path, file: str, old: str, new: str, said: list[str]
) -> None:
    replace(copy, file, old, new)
    (problem,) = problems(copy)
    assert problem.startswith(said[0])


def test_a_missing_file_is_said(copy: Path) -> None:
    (copy / INTEGRATION / "icons.json").unlink()
    (problem,) = problems(copy)
    assert problem.startswith("custom_components/portshare/icons.json: cannot be read:")


def test_a_missing_license_is_said(copy: Path) -> None:
    (copy / "LICENSE").unlink()
    assert problems(copy) == ["LICENSE: is missing; HACS asks for it"]


def test_common_modules_are_looked_for(copy: Path) -> None:
    (copy / INTEGRATION / "entity.py").unlink()
    said = "quality_scale.yaml: common-modules is not done: there is no entity.py"
    assert said in problems(copy)


def test_a_second_integration_is_said(copy: Path) -> None:
    shutil.copytree(copy / INTEGRATION, copy / "custom_components" / "other")
    assert problems(copy) == ["custom_components: HACS installs one, not 2"]


def test_brand_images_that_cannot_be_shown_are_said(copy: Path) -> None:
    brand = copy / INTEGRATION / "brand"
    shutil.copy(brand / "logo.png", brand / "icon.png")
    shutil.copy(brand / "icon@2x.png", brand / "dark_icon.png")
    shutil.move(brand / "icon@2x.png", brand / "picture.png")
    (brand / "logo.png").write_text("not an image")
    assert problems(copy) == [
        "brand/icon@2x.png: is missing; draw it",
        "brand/dark_icon.png: is 512x512; 256 to 256 is asked for",
        "brand/icon.png: is 907x256; make it a square",
        "brand/logo.png: is 0x0; 128 to 256 is asked for",
        "brand/picture.png: Home Assistant shows no such image; remove it",
    ]
