package api

import (
	_ "embed"
	"slices"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI gives the description of the API, OpenAPI 3.0 in JSON.
func OpenAPI() []byte { return slices.Clone(openAPI) }
