package config

import (
	"strings"
	"time"
)

// Admission are the settings of the endpoint that API servers ask before they do something.
type Admission struct {
	Listen          string        `mapstructure:"listen" doc:"Address, host:port. Empty: no endpoint."`
	TLS             WebhookTLS    `mapstructure:"tls" doc:"Certificate of the endpoint, which API servers ask for always. The files are read again when they change."`
	Credentials     []Credential  `mapstructure:"credentials" doc:"Who may send, and for which clusters. API servers show a certificate or a token where an AdmissionConfiguration says so; elsewhere there is the secret in the path."`
	Unauthenticated bool          `mapstructure:"unauthenticated" doc:"Ask for no credential. Whoever reaches the address can then make events up; they are marked."`
	Insecure        bool          `mapstructure:"insecure" doc:"Plain HTTP, and no credential is asked for. On a loopback address only, for trials: API servers do not send there."`
	DefaultCluster  string        `mapstructure:"default_cluster" doc:"Cluster of requests that name none."`
	MaxBody         Size          `mapstructure:"max_body" least:"64KiB" doc:"Bytes that a review may have: an object of 3 MiB, and the one before it."`
	Deadline        time.Duration `mapstructure:"deadline" least:"1ms" doc:"How long an answer waits until the event is on disk, and half of what the API server waits at most. Then it is given all the same, and counted as late."`
	Enforcement     string        `mapstructure:"enforcement" doc:"File that says which detections warn, and which deny; see docs/admission.md. It is read again when it changes. Empty: all are observed."`
	Mutate          string        `mapstructure:"mutate" doc:"File that says what is changed in objects before they are stored; see docs/mutation.md. It is read again when it changes. Empty: nothing is."`
	Namespaces      []Namespaces  `mapstructure:"namespaces" doc:"Clusters whose namespaces are read for their labels, which a review does not have: namespace_labels in the files of admission need it."`
	DryRun          bool          `mapstructure:"dry_run" doc:"Warn of nothing, deny nothing and change nothing: detections and events say what would have been."`
}

// On reports whether there is an endpoint.
func (a *Admission) On() bool { return a.Listen != "" }

func defaultAdmission() Admission {
	return Admission{MaxBody: 16 << 20, Deadline: 500 * time.Millisecond}
}

func (j *judge) admission() {
	a := j.Admission
	host, on := j.address("admission.listen", a.Listen)
	for key, other := range map[string]string{"webhook.listen": j.Webhook.Listen, "http.listen": j.HTTP.Listen} {
		if on && a.Listen == other && !strings.HasSuffix(other, ":0") {
			j.refuse("admission.listen", "%q is %s too; write another port", a.Listen, key)
		}
	}
	if a.DefaultCluster != "" {
		j.known("admission.default_cluster", a.DefaultCluster)
	}
	j.tls("admission.tls", a.TLS)
	j.credentials("admission", a.Credentials, a.TLS)
	if a.DryRun && a.Enforcement == "" && a.Mutate == "" {
		j.refuse("admission.dry_run", "means nothing without admission.enforcement or admission.mutate; name a file")
	}
	j.namespaces()
	open := a.Insecure || a.Unauthenticated
	switch {
	case open && len(a.Credentials) > 0:
		j.refuse("admission.credentials", "are not asked for with admission.insecure or admission.unauthenticated; take one of both away")
	case !on:
	case a.Insecure && !loopback(host):
		j.refuse("admission.listen", "%q can be reached by others, which admission.insecure forbids; write 127.0.0.1 as the host, or set up TLS instead", a.Listen)
	case a.Insecure && a.TLS != (WebhookTLS{}):
		j.refuse("admission.tls", "is not used with admission.insecure; take one of both away")
	case a.Insecure:
	case a.TLS.CertFile == "" && a.TLS.KeyFile == "":
		j.refuse("admission.tls.cert_file", "is empty; name the files of a certificate and its key: API servers send by TLS only")
	case !open && len(a.Credentials) == 0:
		j.refuse("admission.credentials", "are empty: nobody could send; list who may send for which clusters, or set admission.unauthenticated")
	case len(j.Clusters) == 0:
		j.refuse("clusters", "is empty: reviews of no cluster would be taken; list those that may send")
	}
}
