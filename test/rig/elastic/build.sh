#!/usr/bin/env bash
# Fetches the real Elasticsearch that the integration tests run, and prints the
# folder it is in. The version is that of pom.xml; it comes by Maven from where
# the settings of this machine's Maven say.
#
# It is fetched once, 930 MB, of which 124 MB are kept in
# ${XDG_CACHE_HOME:-$HOME/.cache}/kubewitness/elastic/KEY, where KEY is the digest
# of all that goes into it. An older KEY may be deleted at any time. Two builds do
# not collide: the second waits for the first and takes its result.
set -euo pipefail
cd "$(dirname "$0")"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubewitness/elastic
key=$(cat pom.xml build.sh | sha256sum | cut -c 1-16)
dir=$cache/$key

if [ ! -d "$dir" ]; then
	for command in flock mvn; do
		if ! command -v $command >/dev/null; then
			echo "elastic: no $command command, which the build needs; it is part of Debian's util-linux (flock) or maven (mvn)" >&2
			exit 1
		fi
	done
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock -n 9 || { echo "elastic: waiting for another build" >&2 && flock 9; }
fi
if [ ! -d "$dir" ]; then
	echo "elastic: fetching Elasticsearch into $dir; this downloads 930 MB, once" >&2
	rm -rf "$cache"/building.*
	new=$(mktemp -d "$cache/building.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	start=$SECONDS
	# A local repository of its own, so that what is not kept goes away with it.
	mvn --batch-mode --no-transfer-progress --quiet -f pom.xml \
		-Dmaven.repo.local="$new/repository" -Dunpacked="$new/unpacked" package >&2
	server=$(echo "$new"/unpacked/*/elasticsearch)
	[ -d "$server/lib/cli-launcher" ] || { echo "elastic: there is no Elasticsearch in what came" >&2 && exit 1; }
	mkdir -p "$server/plugins"
	chmod -R u+rwX,go+rX,go-w "$server"
	mv -T "$server" "$dir"
	echo "elastic: fetched in $((SECONDS - start)) s, $(du -sh "$dir" | cut -f 1)" >&2
fi
echo "$dir"
