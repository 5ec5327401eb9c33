#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds a Release and runs every test. Arguments narrow it down:
#   unit, integration     the tests of ctest
#   oracle                our API server's answers against a real one's: those on record, and, where
#                         KUBE_APISERVER and ETCD name the programs, a real one's own
#   story                 the quickstart at its fast pace with both routers, a bad day, and each
#                         sabotage
#   story/NAME            one of them: nginx, istio, prometheus-killed, gate-removed, …
#   chaos                 the story under 50 seeded SIGKILLs, and then with two controllers of which
#                         the leader is killed; more with
#                         SLUICE_KILLS=1000 SLUICE_SEED=7 tests/run.sh chaos (about 25 minutes)
#   all                   everything (the default)
# The last line is "N passed, N failed, N skipped"; each skipped test has its reason above it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export SLUICE_TOOLS=${SLUICE_TOOLS:-$root/build/tools}
export SLUICE_CONFORMANCE=${SLUICE_CONFORMANCE:-$root/../shared/conformance}

passed=0
failed=0
skipped=0

say() { printf '%s\n' "$*"; }

# One number out of the head of ctest's JUnit file, which has one attribute a line.
junit_count() { sed -n "s/^[[:space:]]*$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -1; }

run_ctest() {
    local report=$root/build/logs/$1.xml total bad left_out
    shift
    rm -f "$report"
    (cd build/release && ctest -j2 --output-on-failure --output-junit "$report" "$@") ||
        true # the report tells
    if [ ! -s "$report" ]; then
        say "ctest wrote no report"
        failed=$((failed + 1))
        return
    fi
    total=$(junit_count "$report" tests)
    bad=$(junit_count "$report" failures)
    left_out=$(($(junit_count "$report" skipped) + $(junit_count "$report" disabled)))
    if [ "$total" = 0 ]; then
        say "ctest found no test"
        total=1 bad=1
    fi
    passed=$((passed + total - bad - left_out))
    failed=$((failed + bad))
    skipped=$((skipped + left_out))
    [ "$left_out" = 0 ] || skip_reasons "$report"
}

# gtest prints "file:line: Skipped" and then the reason.
skip_reasons() {
    say "skipped:"
    awk '/<testcase / { split($0, part, "\""); name = part[2]; out = 0; reason = "no reason given" }
         told { reason = $0; told = 0 }
         /: Skipped$/ { told = 1 }
         /<skipped / { out = 1 }
         /<\/testcase>/ { if (out) print "  " name ": " reason }' "$1"
}

# play NAME "" ARGUMENTS…: must succeed.  play NAME "words" ARGUMENTS…: must fail with these words.
play() {
    local name=$1 words=$2 output=$root/build/logs/story-$1.out code=0
    shift 2
    say "story $name"
    ./examples/quickstart.sh --pace fast "$@" >"$output" 2>&1 </dev/null || code=$?
    if [ -z "$words" ] && [ $code = 0 ]; then
        grep -E '^ *[0-9.]+ s    ok' "$output" || true
        passed=$((passed + 1))
    elif [ -n "$words" ] && [ $code != 0 ] && grep -q -- "^FAILED $words" "$output"; then
        say "  failed as it must: $(grep -m1 '^FAILED' "$output")"
        passed=$((passed + 1))
    else
        cat "$output"
        [ -z "$words" ] || say "  it should have failed with \"$words\""
        say "  story $name: FAILED (exit $code)"
        failed=$((failed + 1))
    fi
}

stories() {
    local only=$1
    wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }
    if wanted nginx; then play nginx "" --router nginx; fi
    if wanted istio; then play istio "" --router istio; fi
    if wanted prometheus-killed; then play prometheus-killed "" --bad-day prometheus-killed; fi
    local sabotage
    for sabotage in \
        'gate-removed|rolled-back: v3 was not rolled back: it went on to 20 % without any measurement' \
        'harmless-v3|rolled-back: v3 was not rolled back: it went on to 20 %, for its measurements were good' \
        'proxy-at-30|share: at 5 % clients saw' \
        'request-dropped|nothing-lost: 1 ' \
        'second-revert|one-revert: there must be one commit after the bad one'; do
        if wanted "${sabotage%%|*}"; then
            play "${sabotage%%|*}" "${sabotage#*|}" --sabotage "${sabotage%%|*}"
        fi
    done
}

# The seed is the day's unless one is given: a failure prints it.
chaos() {
    local kills=${SLUICE_KILLS:-50}
    chaos_of mixed "$kills"
    # A kill of the leader costs a take-over of some seconds, so there are fewer.
    chaos_of pair $((kills < 60 ? 6 : kills / 10))
}

chaos_of() {
    local layout=$1 kills=$2 seed=${SLUICE_SEED:-$(date +%Y%m%d)} code=0
    local logs=$root/build/logs/chaos-$1 output=$root/build/logs/chaos-$1.out
    rm -rf "$logs"
    mkdir -p "$logs"
    say "chaos $layout: $kills kills, seed $seed"
    ./build/release/tests/chaos --source "$root" --build "$root/build/release" \
        --tools "$SLUICE_TOOLS" --logs "$logs" --layout "$layout" --kills "$kills" --seed "$seed" \
        >"$output" 2>&1 </dev/null || code=$?
    cat "$output"
    if [ $code = 0 ]; then
        passed=$((passed + 1))
    else
        say "  chaos $layout: FAILED (exit $code)"
        failed=$((failed + 1))
    fi
}

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(all)
for part in "${parts[@]}"; do
    case $part in
        all | unit | integration | oracle | story | story/* | chaos) ;;
        *) say "tests/run.sh: there is no part \"$part\"; there are all, unit, integration, oracle, story, chaos" >&2
            exit 2 ;;
    esac
done

./examples/quickstart/install.sh
./examples/quickstart/build.sh
./tests/clients.sh

for part in "${parts[@]}"; do
    case $part in
        all)
            run_ctest ctest
            stories ""
            chaos
            ;;
        chaos) chaos ;;
        unit) run_ctest unit --exclude-regex '^integration_test\.' ;;
        oracle) run_ctest oracle --tests-regex '^oracle_test\.' ;;
        integration) run_ctest integration --tests-regex '^integration_test\.' ;;
        story) stories "" ;;
        story/*) stories "${part#story/}" ;;
    esac
done

say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
