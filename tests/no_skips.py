"""Where every test can run, a skipped one is a failed one: `-p tests.no_skips`."""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    return _without_excuse((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    return _without_excuse((yield))


def _without_excuse[Report: (pytest.CollectReport, pytest.TestReport)](
    report: Report,
) -> Report:
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"was skipped: {report.longreprtext}"
    return report
