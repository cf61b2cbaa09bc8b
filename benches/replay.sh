#!/usr/bin/env bash
# Replays generated hourly rules over alerts, and says how long it takes, how many rows a second the runs look at, how
# much memory it needs, and how that grows with the rules:
#   benches/replay.sh target/release/alertq ALERTS [DAYS [RULES...]]
# ALERTS is a file of SecurityAlert; without it, or with -, a million are generated (`alertq sample`). DAYS is how many of
# its last days are replayed (default 90), RULES how many rules (default 10 50).
set -euo pipefail

binary="$(realpath "${1:?the program}")"
alerts="${2:--}"
days="${3:-90}"
shift "$(($# < 3 ? $# : 3))"
if [ $# -eq 0 ]; then set -- 10 50; fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
if [ "$alerts" = - ]; then
    alerts="$folder/SecurityAlert.parquet"
    "$binary" sample --rows 1000000 --out "$alerts"
fi

period="$("$binary" query --data SecurityAlert="$alerts" --format csv \
    "SecurityAlert | summarize To = bin(max(TimeGenerated), 1h) | project From = To - ${days}d, To" | tail -n 1)"
from="${period%%,*}"
to="${period##*,}"
echo "$days days to $to"

# Filters, counts, entities, a join: what rules over alerts look like, none of them like another.
rules() {
    mkdir "$folder/$1"
    awk -v count="$1" -v folder="$folder/$1" 'BEGIN {
        split("High Medium Low Informational", severities, " ")
        split("ssh|brute|malware|scan|login|crypto|storage|vault|container|token", words, "|")
        for (n = 0; n < count; n++) {
            file = sprintf("%s/rule-%03d.yaml", folder, n)
            printf "id: 00000000-0000-4000-8000-%012d\nname: Rule %d\nkind: Scheduled\nseverity: Medium\n", n, n > file
            printf "queryFrequency: 1h\nqueryPeriod: %dh\ntriggerOperator: gt\ntriggerThreshold: %d\n", 1 + n % 4, n % 3 > file
            printf "query: |\n  SecurityAlert\n  | where AlertSeverity == \"%s\"\n", severities[n % 4 + 1] > file
            word = words[int(n / 5) % 10 + 1]
            if (n % 5 == 0) printf "  | where AlertName has \"%s\"\n  | summarize Count = count() by AlertName\n", word > file
            if (n % 5 == 1) printf "  | where AlertName contains \"%s\"\n  | project TimeGenerated, AlertName\n", word > file
            if (n % 5 == 2) printf "  | mv-expand Entity = parse_json(Entities)\n  | where Entity.Type == \"ip\"\n" \
                "  | summarize Count = count() by Address = tostring(Entity.Address)\n  | where Count > %d\n", n > file
            if (n % 5 == 3) printf "  | summarize Last = max(TimeGenerated), Names = make_set(AlertName) by CompromisedEntity\n" \
                "  | where array_length(Names) > %d\n", n % 7 > file
            if (n % 5 == 4) printf "  | join kind=inner (\n      SecurityAlert\n      | where AlertName has \"%s\"\n" \
                "      | distinct CompromisedEntity\n    ) on CompromisedEntity\n  | summarize Count = count() by CompromisedEntity\n", word > file
            close(file)
        }
    }'
}

for count in "$@"; do
    rules "$count"
    status=0
    /usr/bin/time -f "%e %U %S %M" -o "$folder/time" "$binary" simulate --rules "$folder/$count" \
        --data SecurityAlert="$alerts" --from "$from" --to "$to" --create-incidents none --format json \
        > "$folder/summary.json" 2> "$folder/told" || status=$?
    if [ "$status" -ne 0 ]; then
        cat "$folder/told"
        exit "$status"
    fi
    runs="$(grep -o '"runs":[0-9]*' "$folder/summary.json" | awk -F: '{ sum += $2 } END { print sum }')"
    rows="$(grep -o '"rows_scanned":[0-9]*' "$folder/summary.json" | awk -F: '{ sum += $2 } END { print sum }')"
    awk -v count="$count" -v runs="$runs" -v rows="$rows" '{
        printf "%d rules: %.1f s, %.1f s of processors, %.0f MB; %d runs, %d rows in their windows, %.0f a second\n",
            count, $1, $2 + $3, $4 / 1024, runs, rows, rows / $1
    }' "$folder/time"
done
