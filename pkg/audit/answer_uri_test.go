package audit

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzParseQuery holds our reading of parameters against the standard library's, which is the API server's.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		"", "a", "a=", "=b", "a=b&a=c", "a=b;c=d&e=f", "a+b=c+d", "%61=%zz&b=%2B", "&&a&&", "a=b=c", "%", "%f%f=1", "a=1&%=2&c=3", "command=sh&command=-c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		want, err := url.ParseQuery(raw)
		if err != nil && len(want) == 0 {
			t.Skip("too many parameters, or none that is good")
		}
		assert.Equal(t, want, parseQuery(raw))
	})
}

func TestFlag(t *testing.T) {
	for query, want := range map[string]bool{
		"": false, "x": false, "tty": true, "tty=": true, "tty=true": true, "tty=1": true, "tty=no": true, "tty=0": false, "tty=false": false, "tty=FALSE": false, "tty=0&tty=1": false,
	} {
		assert.Equal(t, want, parseURI("/x?"+query).flag("tty"), query)
	}
}
