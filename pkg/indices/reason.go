package indices

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
)

// Reason says in one sentence why a request failed, and what to do about it.
func Reason(err error) string {
	var refused *elasticsearch.Refused
	var unavailable *elasticsearch.Unavailable
	if errors.As(err, &refused) {
		return refusedReason(refused)
	}
	if sentence := networkReason(err); sentence != "" {
		return sentence
	}
	if errors.As(err, &unavailable) && unavailable.Status != 0 {
		return unavailableReason(unavailable)
	}
	return strings.TrimPrefix(err.Error(), "elasticsearch: ")
}

func refusedReason(r *elasticsearch.Refused) string {
	switch r.Status {
	case http.StatusUnauthorized:
		return "the cluster does not know this user and password, or this API key; check username and password_file, or api_key_file (the key in its encoded form)"
	case http.StatusForbidden:
		return "the cluster knows who asks and does not allow it: " + r.Reason
	}
	if r.Reason == "" {
		return fmt.Sprintf("the cluster refuses with status %d", r.Status)
	}
	return fmt.Sprintf("the cluster refuses with status %d: %s", r.Status, r.Reason)
}

func unavailableReason(u *elasticsearch.Unavailable) string {
	switch u.Status {
	case http.StatusTooManyRequests:
		return "the cluster has too much to do (status 429); try again later"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Sprintf("the cluster, or a proxy in front of it, is not ready (status %d); wait, or look at its log", u.Status)
	}
	return fmt.Sprintf("no usable answer, status %d: %v", u.Status, u.Err)
}

// networkReason says why there was no answer; "" when it is something else.
func networkReason(err error) string {
	var name *net.DNSError
	var op *net.OpError
	var record tls.RecordHeaderError
	switch sentence := certificateReason(err); {
	case sentence != "":
		return sentence
	case errors.As(err, &name):
		return fmt.Sprintf("the name %s cannot be resolved; check the host in nodes, and DNS", strconv.Quote(name.Name))
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refuses connections; check host and port, and that Elasticsearch runs there", address(err))
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("there is no way to %s; check the address, routes and firewalls", address(err))
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the port speaks plain HTTP, not TLS; write http:// in nodes, or turn TLS on there"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &op) && op.Timeout():
		return "no answer in time; check host and port, and firewalls that drop packets"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection ended before there was an answer; if the port speaks TLS, write https:// in nodes"
	}
	return ""
}

// certificateReason says why a server, or we, are not trusted.
func certificateReason(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	switch {
	case errors.As(err, &authority):
		return "the certificate of the node is signed by an authority that is not known here; set ca_file to the authority's certificate (http_ca.crt of the node)"
	case errors.As(err, &host):
		return fmt.Sprintf("the certificate of the node is not for %s; write a name that it is for into nodes, or have one made for this name", strconv.Quote(host.Host))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of the node has expired, or is not valid yet; have a new one made, and check the clocks"
	case errors.As(err, &invalid):
		return "the certificate of the node is not valid: " + invalid.Error()
	case errors.As(err, &alert):
		return "the node ends the TLS handshake (" + alert.Error() + "); if it asks for a certificate, set cert_file and key_file"
	}
	return ""
}

// address is where a connection was to go.
func address(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return op.Addr.String()
	}
	return "the node"
}
