package mutate

import (
	"strings"
)

// rewrite is a prefix of images and what stands in its place.
type rewrite struct{ from, to string }

// images takes images from elsewhere.
type images []rewrite

func (a images) apply(t *target) error {
	if t.pod == nil {
		return nil
	}
	lists := containerLists
	if t.debug {
		lists = []string{"ephemeralContainers"}
	}
	all, err := t.listed(lists...)
	if err != nil {
		return err
	}
	for _, c := range all {
		if t.made || !t.unchanged(c) {
			a.set(c, "image")
		}
	}
	if !t.made {
		return nil
	}
	volumes, err := t.listed("volumes")
	for _, v := range volumes { // those that are images
		source, err := v.member("image")
		if err != nil {
			return err
		}
		a.set(source, "reference")
	}
	return err
}

// set rewrites the image that a member names.
func (a images) set(in *place, key string) {
	if image := in.text(key); image != "" {
		if now := a.of(image); now != image {
			in.set(key, now)
		}
	}
}

// of rewrites an image; one that nothing fits stays as it is spelled.
func (a images) of(image string) string {
	name, rest := fullName(image)
	for _, r := range a {
		if tail, ok := strings.CutPrefix(name, r.from); ok && (tail == "" || tail[0] == '/') {
			if to := r.to + tail; to != name {
				return to + rest
			}
			return image
		}
	}
	return image
}

// hub is the registry of images that name none, and where images are that name no folder.
const (
	hub     = "docker.io"
	library = "library"
)

// fullName gives the name of an image with its registry, and tag and digest as written.
func fullName(image string) (name, rest string) {
	name, digest, hasDigest := strings.Cut(image, "@")
	if hasDigest {
		rest = "@" + digest
	}
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, rest = name[:i], name[i:]+rest
	}
	registry, path, slash := strings.Cut(name, "/")
	switch {
	case !slash:
		registry, path = hub, name
	case !isRegistry(registry):
		registry, path = hub, name
	case registry == "index."+hub:
		registry = hub
	}
	if registry == hub && !strings.Contains(path, "/") {
		path = library + "/" + path
	}
	return registry + "/" + path, rest
}

// isRegistry tells whether the first part of a name is a host.
func isRegistry(s string) bool { return strings.ContainsAny(s, ".:") || s == "localhost" }
