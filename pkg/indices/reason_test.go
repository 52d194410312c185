package indices_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/indices"
)

// TestReason has the failures that no test can cause on a real server; the others are
// caused in test/elastic.
func TestReason(t *testing.T) {
	no := func(err error) error { return &elasticsearch.Unavailable{Err: fmt.Errorf("node h:9200: %w", err)} }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"time-out", no(context.DeadlineExceeded), "no answer in time"},
		{"no route", no(&net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9200}, Err: syscall.EHOSTUNREACH}), "there is no way to 10.0.0.1:9200"},
		{"reset", no(syscall.ECONNRESET), "the connection ended before there was an answer"},
		{"end", no(io.ErrUnexpectedEOF), "the connection ended before there was an answer"},
		{"other name", no(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "es.example"}), `the certificate of the node is not for "es.example"`},
		{"expired", no(x509.CertificateInvalidError{Reason: x509.Expired}), "the certificate of the node has expired"},
		{"busy", &elasticsearch.Unavailable{Status: 429, Err: errors.New("x")}, "too much to do (status 429)"},
		{"not ready", &elasticsearch.Unavailable{Status: 503, Err: errors.New("x")}, "is not ready (status 503)"},
		{"no rights", &elasticsearch.Refused{Status: 403, Type: "security_exception", Reason: "action [x] is unauthorized"}, "does not allow it: action [x] is unauthorized"},
		{"conflict", &elasticsearch.Refused{Status: 400, Reason: "index template [a] has the same priority"}, "the cluster refuses with status 400: index template [a] has the same priority"},
		{"no reason", &elasticsearch.Refused{Status: 404}, "the cluster refuses with status 404"},
		{"too large", &elasticsearch.TooLarge{Bytes: 7}, "a body of 7 bytes is more than the server takes"},
		{"a fork", &elasticsearch.NotElasticsearch{}, "what answers is not Elasticsearch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := indices.Reason(tt.err)
			assert.Contains(t, got, tt.want)
			assert.NotContains(t, got, "\n")
			assert.False(t, strings.HasPrefix(got, "elasticsearch:"), got)
		})
	}
}
