#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real Graphite (graphite-web 1.1 of Debian 12) for tests/integration/graphite_test.cpp.
#   tests/support/graphite.sh unpack ROOT         downloads its packages and unpacks them below ROOT
#   tests/support/graphite.sh serve ROOT DIR PORT serves shop.errors (0.5, then 2) on 127.0.0.1:PORT
# Nothing is installed; the test looks for it in $SLUICE_TOOLS.
set -euo pipefail

packages=(
    graphite-web python3-asgiref python3-cairo python3-cairocffi python3-cffi python3-cffi-backend
    python3-django python3-django-tagging python3-ply python3-pycparser python3-pyparsing
    python3-simplejson python3-six python3-sqlparse python3-tz python3-urllib3 python3-whisper
    python3-xcffib libbsd0 libcairo2 libexpat1 libfontconfig1 libfreetype6 libmd0 libpixman-1-0
    libpng16-16 libx11-6 libxau6 libxcb-render0 libxcb-shm0 libxcb1 libxdmcp6 libxext6 libxrender1
)

unpack() {
    local root=$1 debs
    [ -d "$root/usr/lib/python3/dist-packages/graphite" ] && return
    debs=$(mktemp -d)
    (cd "$debs" && apt-get download "${packages[@]}")
    mkdir -p "$root"
    for deb in "$debs"/*.deb; do dpkg -x "$deb" "$root"; done
    rm -rf "$debs"
}

serve() {
    local root=$1 folder=$2 port=$3 now whisper=$2/whisper/shop
    mkdir -p "$whisper" "$folder/log" "$folder/conf"
    cat >"$folder/sluice_graphite.py" <<END
from graphite.settings import *
SECRET_KEY = 'x'
ALLOWED_HOSTS = ['*']
STORAGE_DIR = CONF_DIR = STATIC_ROOT = '$folder'
WHISPER_DIR = '$folder/whisper'
LOG_DIR = '$folder/log'
INDEX_FILE = '$folder/index'
STANDARD_DIRS = [WHISPER_DIR]
CARBONLINK_HOSTS = CLUSTER_SERVERS = []
TIME_ZONE = 'UTC'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '$folder/db'}}
END
    export PYTHONPATH=$folder:$root/usr/lib/python3/dist-packages
    export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
    export DJANGO_SETTINGS_MODULE=sluice_graphite GRAPHITE_SETTINGS_MODULE=sluice_graphite
    python3 "$root/usr/bin/whisper-create" "$whisper/errors.wsp" 10s:1h
    now=$(date +%s)
    python3 "$root/usr/bin/whisper-update" "$whisper/errors.wsp" $((now - 30)):0.5 $((now - 20)):2
    exec python3 -m django runserver --noreload --nothreading "127.0.0.1:$port"
}

"$@"
