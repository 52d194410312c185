package config

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

func (j *judge) pubSub(PubSub) {}
