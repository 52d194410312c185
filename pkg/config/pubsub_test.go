package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValidatePubSub(t *testing.T) {
	for text, want := range map[string][]string{
		"pubsub: {subscriptions: [projects/acme-1/subscriptions/audit]}":                           nil,
		"pubsub: {subscriptions: ['projects/example.com:acme/subscriptions/a.b~c+%-_9']}":          nil,
		"pubsub: {subscriptions: [projects/a/subscriptions/one, projects/a/subscriptions/two]}":    nil,
		"pubsub: {subscriptions: [projects/a/subscriptions/one], credentials_file: /etc/key.json}": nil,
		"pubsub: {subscriptions: [audit]}": {
			`k.yaml:1: pubsub.subscriptions[0]: "audit" is no subscription; write projects/PROJECT/subscriptions/NAME, as gcloud pubsub subscriptions list prints it`,
		},
		"pubsub: {subscriptions: [projects/a/topics/audit, projects/a/subscriptions/it, projects/a/subscriptions/one, projects/a/subscriptions/one]}": {
			`k.yaml:1: pubsub.subscriptions[0]: "projects/a/topics/audit" is no subscription; write projects/PROJECT/subscriptions/NAME, as gcloud pubsub subscriptions list prints it`,
			`k.yaml:1: pubsub.subscriptions[1]: "projects/a/subscriptions/it" is no subscription; write projects/PROJECT/subscriptions/NAME, as gcloud pubsub subscriptions list prints it`,
			`k.yaml:1: pubsub.subscriptions[3]: "projects/a/subscriptions/one" is listed before; list a subscription once`,
		},
		"pubsub: {subscriptions: [projects/a/subscriptions/one], credentials_file: key.json, outstanding: 0, outstanding_bytes: 1}": {
			"k.yaml:1: pubsub.outstanding: 0 is too little; write 1 or more",
			"k.yaml:1: pubsub.outstanding_bytes: 1 is too little; write 1MiB or more",
			`k.yaml:1: pubsub.credentials_file: "key.json" is not absolute; write the whole path`,
		},
	} {
		l, err := loadText(t, text)
		require.NoError(t, err, text)
		var got []string
		if err := l.Validate(); err != nil {
			var ps Problems
			require.ErrorAs(t, err, &ps)
			for _, p := range ps {
				got = append(got, strings.TrimPrefix(p.Error(), "config: "))
			}
		}
		assert.Equal(t, want, got, text)
	}
}
