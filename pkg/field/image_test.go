package field

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseImage(t *testing.T) {
	tests := []struct{ ref, registry, repository string }{
		{"nginx", "docker.io", "nginx"},
		{"nginx:1.2", "docker.io", "nginx"},
		{"nginx@sha256:aa", "docker.io", "nginx"},
		{"library/nginx:1.2@sha256:aa", "docker.io", "library/nginx"},
		{"docker.io/library/nginx:1", "docker.io", "docker.io/library/nginx"},
		{"reg:5000/x/y:1@sha256:aa", "reg:5000", "reg:5000/x/y"},
		{"reg:5000/x/y", "reg:5000", "reg:5000/x/y"},
		{"localhost/x", "localhost", "localhost/x"},
		{"[::1]:5000/x:1", "[::1]:5000", "[::1]:5000/x"},
		{"", "docker.io", ""},
		{":", "docker.io", ""},
		{"@", "docker.io", ""},
		{"/", "docker.io", "/"},
	}
	for _, tt := range tests {
		assert.Equal(t, image{registry: tt.registry, repository: tt.repository}, parseImage(tt.ref), tt.ref)
	}
}
