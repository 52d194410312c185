package kibana

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"
)

// refused says in one sentence why Kibana, or what stands there, did not import.
func refused(resp *http.Response, answer []byte) string {
	if resp.Header.Get("X-Elastic-Product") == "Elasticsearch" {
		return "this is Elasticsearch; the saved objects go to Kibana, whose port is usually 5601"
	}
	var told struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(answer, &told) // what is no JSON tells nothing
	why := clean(told.Message)
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return "Kibana does not know this user and password, or this API key"
	case code == http.StatusForbidden:
		return "Kibana knows who asks and does not allow it (" + why + "); the right to write saved objects of the space is needed: Discover, Dashboard, Visualize and Data views with all privileges"
	case code == http.StatusNotFound:
		return "there is no import at this URL; check the base path and the ID of the space"
	case code == http.StatusRequestEntityTooLarge:
		return "Kibana takes no import of this size (savedObjects.maxImportPayloadBytes), or a proxy in front of it does not"
	case code >= 300 && code < 400:
		return fmt.Sprintf("Kibana answers with a redirect (status %d), as it does without credentials, and for a wrong base path or scheme", code)
	case code == http.StatusServiceUnavailable:
		return "Kibana is not ready yet; try again in a minute"
	case code == http.StatusBadRequest && why != "":
		return "Kibana takes nothing of it: " + why + "; it may be older than 8.13"
	}
	if why == "" {
		why = "it does not say why"
	}
	return fmt.Sprintf("Kibana refuses with status %d: %s", resp.StatusCode, why)
}

// unreachable says in one sentence why there was no answer. The URL is left out.
func unreachable(err error) string {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var name *net.DNSError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &authority):
		return "Kibana's certificate is signed by an authority that is not known here; give it with --kibana-ca-file"
	case errors.As(err, &host):
		return fmt.Sprintf("Kibana's certificate is not for %q", host.Host)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the port speaks plain HTTP, not TLS; write http://"
	case errors.As(err, &name):
		return fmt.Sprintf("the name %q cannot be resolved", name.Name)
	case errors.Is(err, syscall.ECONNREFUSED) && errors.As(err, &op) && op.Addr != nil:
		return op.Addr.String() + " refuses connections; check host and port, and that Kibana runs there"
	case asked != nil && asked.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time; check host and port, and firewalls that drop packets"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection ended before there was a whole answer; if the port speaks TLS, write https://"
	}
	return "no answer: " + clean(err.Error())
}

// clean makes what a server says fit for a line of a terminal.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "..."
	}
	return s
}
