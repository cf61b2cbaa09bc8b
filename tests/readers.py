#!/usr/bin/env python3
"""Opens what `alertq convert` wrote in other readers of Parquet, and compares rows and types.

    python3 tests/readers.py ALERTQ

Needs duckdb, pyarrow and polars; says which one is missing and leaves it out. The status is 1 where a reader disagrees.
"""

import datetime
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile

# Every type of KQL's, with a null row; in the form of the query API's answer, which tells the types.
ANSWER = {
    "tables": [
        {
            "name": "PrimaryResult",
            "columns": [
                {"name": "b", "type": "bool"},
                {"name": "i", "type": "int"},
                {"name": "l", "type": "long"},
                {"name": "r", "type": "real"},
                {"name": "d", "type": "decimal"},
                {"name": "s", "type": "string"},
                {"name": "t", "type": "datetime"},
                {"name": "ts", "type": "timespan"},
                {"name": "g", "type": "guid"},
                {"name": "j", "type": "dynamic"},
                {"name": "whole", "type": "datetime"},
            ],
            "rows": [
                [True, -7, 9007199254740993, 0.1, "1.5", "a\"b,\n", "2026-06-30T01:02:03.1234561Z",
                 "1.02:03:04.0000005", "74be27de-1e4e-49d9-b579-fe0b331d3642", "{\"a\":[1]}",
                 "9999-12-31T23:59:59.999999Z"],
                [None, None, None, None, None, "", None, None, None, None, None],
            ],
        }
    ]
}
NANOS = 1_782_781_323_123_456_100
# Microseconds hold all years.
LAST = 253_402_300_799_999_999
TICKS = 937_840_000_005

problems = []


def same(reader, what, wanted, found):
    if wanted != found:
        problems.append(f"{reader}: {what}: {found!r} in place of {wanted!r}")


def alertq(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"alertq {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def rows_of(binary, path):
    text = alertq(binary, "query", "SecurityAlert | project SystemAlertId, AlertName, Entities, IsIncident",
                  "--data", path, "--format", "jsonl")
    return sorted(tuple(json.loads(line).values()) for line in text.splitlines())


def with_pyarrow(types, alerts, parts, wanted):
    import pyarrow.parquet as parquet

    table = parquet.read_table(types)
    names = [str(field.type) for field in table.schema]
    same("pyarrow", "types", ["bool", "int32", "int64", "double", "decimal128(38, 18)", "string",
                              "timestamp[ns, tz=UTC]", "int64", "string", "string", "timestamp[us, tz=UTC]"], names)
    same("pyarrow", "moment", NANOS, table.column("t")[0].value)
    same("pyarrow", "last moment", LAST, table.column("whole")[0].value)
    same("pyarrow", "times of days", {"timestamp[us, tz=UTC]"},
         {str(field.type) for field in parquet.read_table(parts / "SecurityAlert").schema
          if str(field.type).startswith("timestamp")})
    same("pyarrow", "nulls", [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1], [column.null_count for column in table.columns])
    rows = parquet.read_table(alerts, columns=["SystemAlertId", "AlertName", "Entities", "IsIncident"]).to_pylist()
    same("pyarrow", "rows", wanted, sorted(tuple(row.values()) for row in rows))
    same("pyarrow", "rows by day", len(wanted), parquet.read_table(parts / "SecurityAlert").num_rows)


def with_polars(types, alerts, parts, wanted):
    import polars

    frame = polars.read_parquet(types)
    same("polars", "types", ["Boolean", "Int32", "Int64", "Float64", "Decimal(precision=38, scale=18)", "String",
                             "Datetime(time_unit='ns', time_zone='UTC')", "Int64", "String", "String",
                             "Datetime(time_unit='us', time_zone='UTC')"],
         [str(kind) for kind in frame.dtypes])
    same("polars", "moment", NANOS, frame["t"].to_physical()[0])
    same("polars", "last moment", LAST, frame["whole"].to_physical()[0])
    same("polars", "span", TICKS, frame["ts"][0])
    frame = polars.read_parquet(alerts, columns=["SystemAlertId", "AlertName", "Entities", "IsIncident"])
    same("polars", "rows", wanted, sorted(frame.rows()))
    days = polars.read_parquet(parts / "SecurityAlert" / "**" / "*.parquet", hive_partitioning=True)
    same("polars", "rows by day", (len(wanted), True), (len(days), "day" in days.columns))


def with_duckdb(types, alerts, parts, wanted):
    import duckdb

    ask = lambda text: duckdb.sql(text).fetchall()
    same("duckdb", "types", ["BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL(38,18)", "VARCHAR",
                             "TIMESTAMP WITH TIME ZONE", "BIGINT", "VARCHAR", "VARCHAR",
                             "TIMESTAMP WITH TIME ZONE"],
         # Later versions keep nanoseconds.
         ["TIMESTAMP WITH TIME ZONE" if "TZ_NS" in row[1] or "NS WITH" in row[1] else row[1]
          for row in ask(f"describe from '{types}'")])
    same("duckdb", "moment", NANOS // 1000, ask(f"select epoch_us(t::timestamptz) from '{types}'")[0][0])
    same("duckdb", "last moment", LAST, ask(f"select epoch_us(whole) from '{types}'")[0][0])
    same("duckdb", "numbers", (9007199254740993, TICKS), ask(f"select l, ts from '{types}'")[0])
    rows = ask(f"select SystemAlertId, AlertName, Entities, IsIncident from '{alerts}'")
    same("duckdb", "rows", wanted, sorted(rows))
    days = ask(f"select count(*), min(day) from read_parquet('{parts}/SecurityAlert/**/*.parquet', hive_partitioning=true)")
    same("duckdb", "rows by day", (len(wanted), datetime.date), (days[0][0], type(days[0][1])))
    one = wanted[len(wanted) // 2][0]
    same("duckdb", "one alert by its id", [(sum(row[0] == one for row in wanted),)],
         ask(f"select count(*) from '{alerts}' where SystemAlertId = '{one}'"))


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "types.json").write_text(json.dumps(ANSWER))
        alertq(binary, "convert", f"T={folder / 'types.json'}", "--out", folder / "types.parquet")
        alertq(binary, "sample", "--rows", 2000, "--out", folder / "made.jsonl")
        alertq(binary, "convert", folder / "made.jsonl", "--out", folder / "alerts.parquet")
        alertq(binary, "convert", folder / "made.jsonl", "--out", folder / "days", "--partition-by", "day",
               "--times", "micros")
        wanted = rows_of(binary, folder / "made.jsonl")
        for name, reader in [("pyarrow", with_pyarrow), ("polars", with_polars), ("duckdb", with_duckdb)]:
            try:
                module = importlib.import_module(name)
            except ImportError:
                print(f"{name}: not installed, left out")
                continue
            before = len(problems)
            reader(folder / "types.parquet", folder / "alerts.parquet", folder / "days", wanted)
            print(f"{name} {module.__version__}: {'ok' if len(problems) == before else 'disagrees'}")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
