"""Asks `alertq serve --log-analytics` with Microsoft's own Python client, and holds the rows against `alertq query`.

Usage: azure_monitor_query.py ALERTQ, in a Python that has azure-monitor-query.
"""

import datetime
import json
import subprocess
import sys

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.monitor.query import LogsQueryClient, LogsQueryStatus

NOW = "2026-06-30T00:00:00Z"
QUERIES = [
    "SecurityAlert | summarize count() by AlertSeverity | sort by AlertSeverity asc",
    "SecurityAlert | sort by TimeGenerated asc, SystemAlertId asc | take 100",
    "SecurityIncident | sort by TimeGenerated asc, IncidentName asc | take 20",
    "print a = 1, b = 2.5, c = true, d = 'x', e = 1h, f = datetime(2026-01-02 03:04:05.1234567), g = dynamic({'k': [1]})",
    "print r = real(nan), i = real(+inf), n = long(null), t = ''",
]


class Credential:
    """The server asks nobody who they are."""

    def get_token(self, *scopes, **options):
        return AccessToken("none", 2_000_000_000)


def plain(value):
    """Brings what the client makes of a cell to what stands in the answer."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return value


def same(theirs, ours, kind):
    if kind == "datetime" and ours is not None:
        # The client keeps six of the seven digits.
        return plain(theirs) == ours[:26]
    if kind == "real" and isinstance(ours, str):
        return str(theirs).lower().startswith(ours[:3].lower())
    return theirs == ours


def expected(alertq, query, *options):
    command = [alertq, "query", query, "--format", "log-analytics", "--now", NOW, *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["tables"][0]


def compare(client, alertq, query, timespan=None, *options):
    answer = client.query_workspace("any", query, timespan=timespan)
    assert answer.status == LogsQueryStatus.SUCCESS, answer
    table, ours = answer.tables[0], expected(alertq, query, *options)
    assert list(table.columns) == [column["name"] for column in ours["columns"]], table.columns
    kinds = [column["type"] for column in ours["columns"]]
    assert len(table.rows) == len(ours["rows"]), (query, len(table.rows), len(ours["rows"]))
    for theirs, row in zip(table.rows, ours["rows"]):
        for their, our, kind in zip(theirs, row, kinds):
            assert same(their, our, kind), (query, kind, their, our)
    return len(table.rows)


def main(alertq):
    server = subprocess.Popen(
        [alertq, "serve", "--log-analytics", "--now", NOW, "--max-rows", "300", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        endpoint = server.stdout.readline().strip()
        # The client sends no token over plain http: it gets a policy that adds none.
        client = LogsQueryClient(Credential(), endpoint=endpoint, authentication_policy=SansIOHTTPPolicy())
        rows = sum(compare(client, alertq, query) for query in QUERIES)
        day = datetime.timedelta(days=1)
        rows += compare(client, alertq, "SecurityAlert | count", day, "--timespan", "P1D")
        ends = (datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc), day)
        rows += compare(client, alertq, "SecurityAlert | count", ends, "--timespan", "2026-06-01/P1D")
        partial = client.query_workspace("any", "SecurityAlert", timespan=None)
        assert partial.status == LogsQueryStatus.PARTIAL, partial.status
        assert len(partial.partial_data[0].rows) == 300
        try:
            client.query_workspace("any", "SecurityAlert | where Nothing == 1", timespan=None)
            raise AssertionError("a wrong query was answered")
        except HttpResponseError as error:
            assert error.status_code == 400 and "Nothing" in str(error), error
        print(f"azure-monitor-query: {rows} rows as alertq gives them")
    finally:
        server.kill()
        server.wait()


main(sys.argv[1])
