package field

import "strings"

// image is a container image reference, cut into its parts.
type image struct {
	registry   string // host, with its port; docker.io where the reference names none
	repository string // the reference without tag and digest, as written
}

// parseImage cuts a reference: a digest follows the first @, a tag the last
// colon after the last slash. The part before the first slash is a registry
// when it holds a dot or a colon or is localhost.
func parseImage(ref string) image {
	repository, _, _ := strings.Cut(ref, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	registry, _, hasSlash := strings.Cut(repository, "/")
	if !hasSlash || !strings.ContainsAny(registry, ".:") && registry != "localhost" {
		registry = "docker.io"
	}
	return image{registry: registry, repository: repository}
}
