#!/usr/bin/env bash
# Builds the real Kubernetes servers that the integration tests run, and prints
# the folder they are in: etcd, kube-apiserver, kube-controller-manager,
# kube-scheduler, kubectl, and our own fakenode. The versions are those of
# kube/go.mod; the sources come as Go modules.
#
# They are built once, about ten minutes on two cores, and kept in
# ${XDG_CACHE_HOME:-$HOME/.cache}/kubewitness/rig/KEY, where KEY is the digest of
# all that goes into the build. An older KEY may be deleted at any time. Two
# builds do not collide: the second waits for the first and takes its result.
set -euo pipefail
cd "$(dirname "$0")/kube"

export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off
kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
flags=(-p 2 -trimpath -buildvcs=false -ldflags
	"-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes -X k8s.io/client-go/pkg/version.gitVersion=$kubernetes")
packages=(
	go.etcd.io/etcd/server/v3
	k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubectl}
	./fakenode
)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubewitness/rig
key=$({
	cat go.mod go.sum fakenode/*.go
	echo "${flags[@]}" "${packages[@]}"
	go version
	go env GOOS GOARCH
} | sha256sum | cut -c 1-16)
dir=$cache/$key

if [ ! -d "$dir" ]; then
	if ! command -v flock >/dev/null; then
		echo "rig: no flock command, which keeps two builds apart; it is part of util-linux" >&2
		exit 1
	fi
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock -n 9 || { echo "rig: waiting for another build" >&2 && flock 9; }
fi
if [ ! -d "$dir" ]; then
	echo "rig: building Kubernetes $kubernetes into $dir; this takes about ten minutes, once" >&2
	rm -rf "$cache"/building.*
	new=$(mktemp -d "$cache/building.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	start=$SECONDS
	go build "${flags[@]}" -o "$new/" "${packages[@]}" >&2
	mv "$new/server" "$new/etcd"
	chmod 755 "$new"
	mv -T "$new" "$dir"
	echo "rig: built in $((SECONDS - start)) s, $(du -sh "$dir" | cut -f 1)" >&2
fi
echo "$dir"
