#!/bin/sh
# Make a stand-in for python:3.11-slim where no registry of images can be reached: Debian 12 with its Python 3.11.
# Needs root, debootstrap and buildah.
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" >&2
ln -s /usr/bin/python3 "$root/usr/local/bin/python"
container=$(buildah from scratch)
buildah add --quiet "$container" "$root" / >&2
buildah config --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
buildah commit --quiet --rm "$container" docker.io/library/python:3.11-slim
