#!/usr/bin/env bash
# Checks many generated rule files in one run and says how many a second:
#   benches/many-rules.sh target/release/alertq [COUNT]
set -euo pipefail

binary="$(realpath "${1:?the program}")"
count="${2:-10000}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

awk -v count="$count" -v folder="$folder" 'BEGIN {
    split("SecurityAlert SigninLogs SecurityEvent AuditLogs OfficeActivity DeviceProcessEvents", tables, " ")
    split("AlertName UserPrincipalName Account OperationName Operation FileName", columns, " ")
    for (n = 0; n < count; n++) {
        at = n % 6 + 1
        file = sprintf("%s/%02d/rule-%05d.yaml", folder, n % 100, n)
        if (n < 100) system("mkdir -p " sprintf("%s/%02d", folder, n))
        printf "id: 00000000-0000-4000-8000-%012d\nname: Rule %d\nkind: Scheduled\nseverity: Medium\n", n, n > file
        printf "queryFrequency: 1h\nqueryPeriod: 1d\ntriggerOperator: gt\ntriggerThreshold: %d\n", n % 7 > file
        printf "tactics: [InitialAccess]\nquery: |\n  let known = dynamic([\"a%d\", \"b%d\"]);\n", n, n > file
        printf "  %s\n  | where TimeGenerated > ago(1d)\n", tables[at] > file
        printf "  | where %s !in (known) and %s has \"x%d\"\n", columns[at], columns[at], n > file
        printf "  | summarize Count = count(), First = min(TimeGenerated) by Name = %s\n", columns[at] > file
        printf "  | join kind=leftouter (\n      SecurityAlert\n      | mv-expand Entity = parse_json(Entities)\n" > file
        printf "      | project Name = tostring(Entity.Name), AlertSeverity\n    ) on Name\n" > file
        printf "  | extend Score = iff(AlertSeverity == \"High\", Count * 2, Count)\n  | where Score > %d\n", n % 11 > file
        printf "entityMappings:\n  - entityType: Account\n    fieldMappings:\n      - identifier: Name\n" > file
        printf "        columnName: Name\n" > file
        close(file)
    }
}'

start="$(date +%s%N)"
status=0
"$binary" check "$folder" --output-format json > "$folder/results.json" 2> /dev/null || status=$?
end="$(date +%s%N)"
awk -v count="$count" -v ns="$((end - start))" -v status="$status" 'BEGIN {
    printf "%d files in %.2f s: %.0f files a second (status %d)\n", count, ns / 1e9, count / (ns / 1e9), status
}'
