#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From Git to Git on this machine: installs what is missing, builds a Release, and plays one good
# and one bad delivery on real parts, checking what it promises. --help lists the options.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
    cat <<'TEXT'
usage: ./examples/quickstart.sh [options]
  --keep                leave everything running at the end, until Ctrl-C
  --pace normal|fast    under 4 minutes, or under 60 seconds (default: normal)
  --router nginx|istio  Ingress, or VirtualService and DestinationRule (default: nginx)
  --sabotage NAME       break it on purpose; the story must then fail: gate-removed, harmless-v3,
                        proxy-at-30, request-dropped, second-revert
  --bad-day NAME        a good delivery has to come through it: prometheus-killed
  --api-port N, --web-port N, --prometheus-port N, --git-port N
                        loopback ports (default: free ones)
TEXT
}

name=nginx
arguments=("$@")
for ((i = 0; i < ${#arguments[@]}; i++)); do
    case ${arguments[i]} in
        -h | --help) usage && exit 0 ;;
        --router | --sabotage | --bad-day) name=${arguments[i + 1]:-} ;;
    esac
done

"$root/examples/quickstart/install.sh"
"$root/examples/quickstart/build.sh" sluice shop load story

tools=${SLUICE_TOOLS:-$root/build/tools}
logs=$root/build/logs/story-$name
rm -rf "$logs"
mkdir -p "$logs"
exec "$root/build/release/examples/story" --source "$root" --build "$root/build/release" \
    --tools "$tools" --logs "$logs" "$@"
