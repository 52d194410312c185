package kube

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Access says how the API server is reached; the zero value as kubectl without flags does:
// by the files of KUBECONFIG, else ~/.kube/config, else as the pod's service account.
type Access struct {
	Kubeconfig string // file; "": see above
	Context    string // in it; "": the current one
	Agent      string // name of the program, which audit logs have; required
	Timeout    time.Duration
}

// timeout bounds a request where Access does not.
const timeout = 30 * time.Second

// Dial makes a client. Nothing is sent.
func Dial(a Access) (*Client, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.Kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: a.Context}).ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, errors.New("kube: there is no kubeconfig, and this is no pod with a token of its service account; name a file with --kubeconfig")
	case err != nil:
		return nil, fmt.Errorf("kube: %w", err)
	}
	cfg.UserAgent = a.Agent
	if cfg.Timeout = a.Timeout; cfg.Timeout <= 0 {
		cfg.Timeout = timeout
	}
	cfg.WarningHandler = rest.NoWarnings{} // they are given to the caller
	transport, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("kube: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("kube: %w", err)
	}
	return New(transport, base), nil
}

// New makes a client that asks the server at an address.
func New(c *http.Client, server *url.URL) *Client { return &Client{http: c, server: server} }
