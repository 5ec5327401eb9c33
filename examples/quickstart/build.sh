#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the named targets (all where none is named) as a Release in build/release. The quickstart
# and the tests share it, so that nothing is compiled twice.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/release
cd "$root"

if ! cmake --preset release >"$root/build/logs/configure.log" 2>&1; then
    tail -20 "$root/build/logs/configure.log" >&2
    echo "sluice: cmake could not configure $build; the lines above say why." >&2
    exit 1
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(all)
if [ "$(ninja -C "$build" -n "${targets[@]}" | tail -1)" = "ninja: no work to do." ]; then exit 0; fi
echo "building ${targets[*]} in ${build#"$root"/}"
if ! NINJA_STATUS='[%f/%t, %es] ' ninja -C "$build" "${targets[@]}"; then
    echo "sluice: the build failed; the lines above say why." >&2
    exit 1
fi
