#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures what the project promises in numbers and prints one Markdown table. It asserts nothing:
# docs/figures.md says what the figures were, and where they miss. Arguments narrow it down:
#   idle       sluice standalone with nothing to do, before and after a busy life (9 minutes)
#   latency    push to first weight, verdict to weight 0 (1 minute)
#   memory     bytes of a cached object of each kind
#   fleet      sluice controller with 10,000 Rollouts and their history: memory, time to a decision
#   rollouts   a thousand idle Rollouts (2 minutes)
#   build      seconds from touching a router to a linked sluice, Release and Debug
#   tests      how long the last ./tests/run.sh took, from its log (SLUICE_TESTS_LOG)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
tools=${SLUICE_TOOLS:-$root/build/tools}
logs=$root/build/logs/bench
mkdir -p "$logs"

row() { printf '| %s | %s | %s | %s |\n' "$@"; }
seconds_since() { awk -v from="$1" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f", to - from }'; }

# Without the compiler's cache, which would know the file. What else had to be built is built before.
touch_router() {
    local preset=$1 began
    if [ ! -e "build/$preset/build.ninja" ] || ! ninja -C "build/$preset" sluice >"$logs/build.log" 2>&1; then
        row "touch a router to a linked \`sluice\`, $preset" "10 s" "not measured" \
            "there is no build in build/$preset, or it fails"
        return
    fi
    touch traffic/nginx.cpp
    began=$(date +%s.%N)
    CCACHE_DISABLE=1 ninja -C "build/$preset" sluice >"$logs/build.log" 2>&1
    row "touch a router to a linked \`sluice\`, $preset" "10 s" "$(seconds_since "$began") s" \
        "traffic/nginx.cpp, no ccache; load average $(cut -d' ' -f1 /proc/loadavg)"
}

# "100% tests passed …", "Total Test time (real) =  12.3 sec", "N passed, N failed, N skipped".
tests_took() {
    local log=${SLUICE_TESTS_LOG:-$root/build/logs/run.log}
    if [ ! -s "$log" ]; then
        row "\`./tests/run.sh\`" "15 min" "not measured" \
            "no log at ${log#"$root"/}: ./tests/run.sh 2>&1 | tee build/logs/run.log"
        return
    fi
    row "\`./tests/run.sh\`: ctest" "15 min" \
        "$(sed -n 's/^Total Test time (real) = *//p' "$log" | tail -1)" \
        "$(grep -E '^[0-9]+ passed' "$log" | tail -1)"
}

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(memory fleet idle latency rollouts build tests)
for part in "${parts[@]}"; do
    case $part in
        idle | latency | memory | fleet | rollouts | build | tests) ;;
        *) echo "tests/bench/run.sh: there is no part \"$part\"; there are idle, latency, memory," \
            "fleet, rollouts, build, tests" >&2
            exit 2 ;;
    esac
done

mkdir -p "$root/build/logs"
./examples/quickstart/install.sh >&2
./examples/quickstart/build.sh sluice shop load bench >&2

echo "Measured on $(date +%F), $(nproc) cores, load average $(cut -d' ' -f1-3 /proc/loadavg), commit $(git rev-parse --short HEAD)."
echo
row figure bound measured how
row --- --- --- ---
for part in "${parts[@]}"; do
    case $part in
        build)
            touch_router release
            touch_router dev
            ;;
        tests) tests_took ;;
        *)
            build/release/tests/bench --source "$root" --build "$root/build/release" \
                --tools "$tools" --logs "$logs" "$part" ||
                row "$part" "" "not measured" "the reason is above"
            ;;
    esac
done
