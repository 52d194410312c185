package config

import (
	"path/filepath"
	"regexp"
)

// PubSub reads log entries from subscriptions to the topic of a log sink.
type PubSub struct {
	Subscriptions    []string `mapstructure:"subscriptions" doc:"Subscriptions, projects/PROJECT/subscriptions/NAME. None: off."`
	CredentialsFile  string   `mapstructure:"credentials_file" doc:"As of cloudlogging."`
	Outstanding      int      `mapstructure:"outstanding" least:"1" doc:"Messages of a subscription that may be under way at once."`
	OutstandingBytes Size     `mapstructure:"outstanding_bytes" least:"1MiB" doc:"Bytes of these messages."`
}

// On reports whether there is a subscription.
func (p *PubSub) On() bool { return len(p.Subscriptions) > 0 }

func defaultPubSub() PubSub { return PubSub{Outstanding: 10_000, OutstandingBytes: 64 << 20} }

// subscriptionForm is what a subscription is called: a project's ID, which old ones have with a domain before it, and a name.
var subscriptionForm = regexp.MustCompile(`^projects/([a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*/subscriptions/[A-Za-z][A-Za-z0-9._~+%-]{2,254}$`)

func (j *judge) pubSub(p PubSub) {
	seen := map[string]bool{}
	for i, name := range p.Subscriptions {
		at := item("pubsub.subscriptions", i)
		switch {
		case !subscriptionForm.MatchString(name):
			j.refuse(at, "%q is no subscription; write projects/PROJECT/subscriptions/NAME, as gcloud pubsub subscriptions list prints it", name)
		case seen[name]:
			j.refuse(at, "%q is listed before; list a subscription once", name)
		}
		seen[name] = true
	}
	if f := p.CredentialsFile; f != "" && !filepath.IsAbs(f) {
		j.refuse("pubsub.credentials_file", "%q is not absolute; write the whole path", f)
	}
}
