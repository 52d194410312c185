package web

import (
	"net/http"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// Prefix is the path that all routes begin with.
const Prefix = "/api/v1"

// route is a method and a path below Prefix with what answers it.
type route struct {
	method, path string
	answer       func(c *call) error
}

// endpoints are all that there are; the OpenAPI description has the same.
var endpoints = []route{
	{"GET", "/events", (*call).events},
	{"GET", "/events/{id}", (*call).event},
	{"GET", "/events/{id}/explain", (*call).explain},
	{"GET", "/facets", (*call).facets},
	{"GET", "/histogram", (*call).histogram},
	{"GET", "/detections", (*call).detections},
	{"GET", "/objects/history", (*call).history},
	{"GET", "/entities/{kind}", (*call).entity},
	{"GET", "/tail", (*call).tail},
	{"GET", "/rules", (*call).rules},
	{"GET", "/status", (*call).status},
	{"GET", "/openapi.json", (*call).openapi},
	{"POST", "/hunt", (*call).hunt},
	{"POST", "/import", (*call).importBody},
}

// routes fills the mux: each route, for its path a refusal of all other methods, and for
// all other paths one that they are not there. Nothing is told without a token.
func (h *Handler) routes() {
	for _, rt := range endpoints {
		h.mux.Handle(rt.method+" "+Prefix+rt.path, h.serve(rt.answer))
		allow := rt.method
		if allow == http.MethodGet {
			allow = "GET, HEAD"
		}
		h.mux.Handle(Prefix+rt.path, h.serve(func(c *call) error {
			c.w.Header().Set("Allow", allow)
			return problem(api.ProblemMethod, "the method "+clip(c.r.Method)+" is not for this path; use "+allow)
		}))
	}
	h.mux.Handle("/", h.serve(func(c *call) error {
		c.r.Pattern = "" // counted together, whatever the path
		var paths []string
		for _, rt := range endpoints {
			paths = append(paths, rt.method+" "+Prefix+rt.path)
		}
		return problem(api.ProblemNotFound, "there is no such path; there are "+strings.Join(paths, ", "))
	}))
}

// openapi gives the description of the API.
func (c *call) openapi() error {
	if err := c.params().none(); err != nil {
		return err
	}
	return c.writeText(typeJSON, api.OpenAPI())
}
