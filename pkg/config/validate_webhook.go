package config

import "slices"

func (j *judge) webhook() {
	w := j.Webhook
	host, on := j.address("webhook.listen", w.Listen)
	if w.Listen == "" && len(j.Tail) == 0 && !j.CloudLogging.On() && !j.PubSub.On() && !j.Admission.On() {
		j.refuse("webhook.listen", "is empty, and nothing is under tail, cloudlogging and pubsub: there is no source of events; write host:port, or list a log")
	}
	if w.DefaultCluster != "" {
		j.known("webhook.default_cluster", w.DefaultCluster)
	}
	j.tls("webhook.tls", w.TLS)
	switch {
	case w.Insecure:
		j.insecure(host, on)
	case on:
		j.secure()
	}
}

// tls holds that the files of an endpoint's TLS belong together.
func (j *judge) tls(sec string, t WebhookTLS) {
	j.both(sec, t.CertFile, t.KeyFile)
	if t.ClientCAFile != "" && t.CertFile == "" {
		j.refuse(sec+".client_ca_file", "means nothing without TLS; set cert_file and key_file")
	}
}

// both holds that a certificate has a key and a key a certificate.
func (j *judge) both(sec, cert, key string) {
	switch {
	case cert != "" && key == "":
		j.refuse(sec+".key_file", "is empty though cert_file is set; name the file of its key")
	case cert == "" && key != "":
		j.refuse(sec+".cert_file", "is empty though key_file is set; name the file of its certificate")
	}
}

// insecure holds that nobody mistakes the insecure mode for another.
func (j *judge) insecure(host string, on bool) {
	w := j.Webhook
	if on && !loopback(host) {
		j.refuse("webhook.listen", "%q can be reached by others, which webhook.insecure forbids; write 127.0.0.1 as the host, or set up TLS and credentials instead", w.Listen)
	}
	if len(w.Credentials) > 0 {
		j.refuse("webhook.credentials", "are not asked for with webhook.insecure; take one of both away")
	}
	if w.TLS != (WebhookTLS{}) {
		j.refuse("webhook.tls", "is not used with webhook.insecure; take one of both away")
	}
}

// secure holds that an endpoint has what it takes to be one.
func (j *judge) secure() {
	w := j.Webhook
	if w.TLS.CertFile == "" && w.TLS.KeyFile == "" {
		j.refuse("webhook.tls.cert_file", "is empty; name the files of a certificate and its key, or, for a trial on this host, set webhook.insecure (--insecure)")
	}
	if len(w.Credentials) == 0 {
		j.refuse("webhook.credentials", "are empty: nobody could send; list who may send for which clusters")
	}
	if len(j.Clusters) == 0 {
		j.refuse("clusters", "is empty: events of no cluster would be taken; list those that may send")
	}
}

// credentials holds that the credentials of an endpoint can be used.
func (j *judge) credentials(endpoint string, list []Credential, tls WebhookTLS) {
	seen := map[string]bool{}
	for i, c := range list {
		at := item(endpoint+".credentials", i)
		switch {
		case !ValidClusterName(c.Name): // the same form will do
			j.refuse(at+".name", "%q is no name of a credential; %s", c.Name, nameAdvice)
		case seen[c.Name]:
			j.refuse(at+".name", "%q is listed before; give each credential its own name", c.Name)
		}
		seen[c.Name] = true
		j.proof(at, c)
		if c.CertificateName != "" && tls.ClientCAFile == "" {
			j.refuse(at+".certificate_name", "needs %s.tls.client_ca_file; name the file of the authorities that sign certificates of clients", endpoint)
		}
		j.credentialClusters(at+".clusters", c.Clusters)
	}
}

// proof holds that a credential is of one kind.
func (j *judge) proof(at string, c Credential) {
	n := 0
	for _, v := range []string{c.TokenFile, c.CertificateName, c.PathSecretFile} {
		if v != "" {
			n++
		}
	}
	if n != 1 {
		j.refuse(at, "has %d of token_file, certificate_name and path_secret_file; set exactly one", n)
	}
}

func (j *judge) credentialClusters(key string, clusters []string) {
	if len(clusters) == 0 {
		j.refuse(key, "is empty; list the clusters that may be sent for, or * for all that are listed")
	}
	for i, name := range clusters {
		switch {
		case slices.Contains(clusters[:i], name):
			j.refuse(item(key, i), "%q is there before; take it away", name)
		case name == AnyCluster && len(clusters) > 1:
			j.refuse(item(key, i), "* is all clusters; take the others away")
		case name != AnyCluster:
			j.known(item(key, i), name)
		}
	}
}
