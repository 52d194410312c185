package install

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/authority"
)

// Names of what is installed.
const (
	Name        = "kubewitness"                // of the webhook configurations
	ServiceName = "kubewitness-admission"      // of the Service, and what names of Secrets begin with
	pathSecret  = "kubewitness-admission-path" // of a Secret
	tlsSecret   = "kubewitness-admission-tls"  // of a Secret

	validatingWebhook = "admission.kubewitness.io"
	mutatingWebhook   = "mutation.kubewitness.io"

	prefix = "admission.kubewitness.io/" // of annotations
)

// Labels are those of all that is installed, and what uninstall goes by.
var Labels = map[string]string{
	"app.kubernetes.io/name":       "kubewitness",
	"app.kubernetes.io/component":  "admission",
	"app.kubernetes.io/managed-by": "kubewitness",
}

// selector is Labels as a list is asked with.
const selector = "app.kubernetes.io/component=admission,app.kubernetes.io/managed-by=kubewitness,app.kubernetes.io/name=kubewitness"

// Defaults of Options.
const (
	DefaultNamespace = "kubewitness"
	DefaultCluster   = "prod"
	DefaultPort      = 443
)

// Options say what is installed. The zero value has all defaults.
type Options struct {
	Namespace   string   // of the Service and the Secrets
	Cluster     string   // name of the cluster, as in the service's configuration
	Port        int      // of the Service
	Exclude     []string // namespaces that nobody asks about, besides Namespace, kube-system and kube-node-lease
	Mutate      bool     // write the mutating webhook, too
	CertManager bool     // it makes the certificates, and puts the authority into the webhooks
	URL         string   // of a kubewitness outside of the cluster, with the path: no Service, no Secrets
	CABundle    []byte   // with URL: the authorities of its certificate, PEM; empty: those of the API server's host
}

func (o Options) withDefaults() Options {
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Cluster == "" {
		o.Cluster = DefaultCluster
	}
	if o.Port == 0 {
		o.Port = DefaultPort
	}
	return o
}

// own tells whether we make the certificate.
func (o *Options) own() bool { return o.URL == "" && !o.CertManager }

// names are those that the certificate is for; API servers ask for the first.
func (o *Options) names() []string {
	host := ServiceName + "." + o.Namespace
	return []string{host + ".svc", host + ".svc.cluster.local"}
}

// segment is what API servers take in the path of a Service.
var segment = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// Check tells what is wrong with options.
func (o Options) Check() error {
	o = o.withDefaults()
	switch {
	case !segment.MatchString(o.Namespace) || strings.Contains(o.Namespace, ".") || len(o.Namespace) > 63:
		return fmt.Errorf("%q is no name of a namespace", o.Namespace)
	case o.URL == "" && !segment.MatchString(o.Cluster):
		return fmt.Errorf("the cluster's name %q cannot be a part of a Service's path, which has lower-case letters, digits, - and .; give it another, here and in the service's configuration", o.Cluster)
	case o.Port < 1 || o.Port > 65535:
		return fmt.Errorf("%d is no port", o.Port)
	case o.URL != "" && o.CertManager:
		return errors.New("cert-manager makes certificates for a Service of this cluster, and a URL is elsewhere; give one of both")
	case o.URL == "" && len(o.CABundle) > 0:
		return errors.New("a bundle of authorities goes with a URL; for the Service of this cluster they are made")
	}
	for _, ns := range o.Exclude {
		if !segment.MatchString(ns) {
			return fmt.Errorf("%q is no name of a namespace", ns)
		}
	}
	if len(o.CABundle) > 0 {
		if _, err := authority.Parse(o.CABundle); err != nil {
			return fmt.Errorf("the bundle of authorities: %w", err)
		}
	}
	return o.checkURL()
}

func (o *Options) checkURL() error {
	if o.URL == "" {
		return nil
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return errors.New("the URL cannot be read; write https://HOST:PORT/admission/CLUSTER/SECRET")
	case u.Scheme != "https":
		return errors.New("API servers send by https only; write https://HOST:PORT/admission/CLUSTER/SECRET")
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the URL has a host and a path, and neither user, query nor fragment; write https://HOST:PORT/admission/CLUSTER/SECRET")
	case o.Mutate && !strings.Contains(u.Path, validatingPath+"/"):
		return errors.New("what asks for changes has the URL with /mutate in place of /admission, which is not in it; write https://HOST:PORT/admission/CLUSTER/SECRET")
	}
	return nil
}

// excluded are the namespaces that nobody asks about.
func (o *Options) excluded() []string {
	list := append([]string{o.Namespace, "kube-system", "kube-node-lease"}, o.Exclude...)
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(ns string) bool {
		again := seen[ns]
		seen[ns] = true
		return again
	})
}

// Cluster is what the API server can do, and what it is.
type Cluster struct {
	Version         string // as it says
	MatchConditions bool   // it knows them: 1.28 and later
	Autopilot       bool   // it is GKE Autopilot, or has its limits
	Named           bool   // nobody may ask about all resources: they are to be named
}

// Recent is a cluster with all that is used, for what is printed without one.
var Recent = Cluster{MatchConditions: true}

// Periods of renewing.
const (
	DefaultValidity   = 365 * 24 * time.Hour
	DefaultRenewAfter = 60 * 24 * time.Hour
	DefaultSettle     = 10 * time.Minute
)
