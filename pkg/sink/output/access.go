package output

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"time"
)

// access is the client and the headers that come of the files of a configuration.
// Files are compared by content: a mounted Secret changes under its name, and times
// tell nothing of that.
type access struct {
	client        *http.Client
	header        http.Header
	ca, cert, key []byte // what the client is made of
}

// refresh reads the files. After an error all is as before.
func (a *access) refresh(cfg *HTTPConfig) error {
	header, err := readHeaders(cfg)
	if err != nil {
		return err
	}
	var files [3][]byte
	for i, path := range []string{cfg.CAFile, cfg.CertFile, cfg.KeyFile} {
		if path == "" {
			continue
		}
		if files[i], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	ca, cert, key := files[0], files[1], files[2]
	if a.client == nil || !bytes.Equal(ca, a.ca) || !bytes.Equal(cert, a.cert) || !bytes.Equal(key, a.key) {
		conf, err := tlsConfig(cfg, ca, cert, key)
		if err != nil {
			return err
		}
		if a.client != nil {
			a.client.CloseIdleConnections()
		}
		a.client, a.ca, a.cert, a.key = newClient(cfg, conf), ca, cert, key
	}
	a.header = header
	return nil
}

func newClient(cfg *HTTPConfig, conf *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: cfg.Timeout, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        conf,
			TLSHandshakeTimeout:    cfg.Timeout,
			MaxIdleConnsPerHost:    cfg.InFlight,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: mostAnswer,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
	}
}

func tlsConfig(cfg *HTTPConfig, ca, cert, key []byte) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", cfg.CAFile)
		}
	}
	if cfg.CertFile != "" {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("%s and %s are no certificate with its key: %w", cfg.CertFile, cfg.KeyFile, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// taken are the headers that are not free to be configured.
var taken = map[string]bool{
	"Connection": true, "Content-Encoding": true, "Content-Length": true, "Content-Type": true, "Host": true, "Idempotency-Key": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "User-Agent": true, IDHeader: true,
}

func checkHeaders(headers []Header) error {
	seen := make(map[string]bool)
	for _, h := range headers {
		name := textproto.CanonicalMIMEHeaderKey(h.Name)
		switch {
		case !isToken(name):
			return fmt.Errorf("%q is no name of a header", h.Name)
		case taken[name]:
			return fmt.Errorf("the header %s cannot be set here", name)
		case seen[name]:
			return fmt.Errorf("the header %s stands there twice", name)
		case h.ValueFile == "":
			return fmt.Errorf("the header %s has no file with its value", name)
		}
		seen[name] = true
	}
	return nil
}

// readHeaders gives the headers of all requests. Its errors do not quote values.
func readHeaders(cfg *HTTPConfig) (http.Header, error) {
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {cfg.UserAgent}}
	for _, h := range cfg.Headers {
		content, err := os.ReadFile(h.ValueFile)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		value := strings.TrimSpace(string(content))
		if err := checkValue(value); err != nil {
			return nil, fmt.Errorf("header %s: %s %w", h.Name, h.ValueFile, err)
		}
		header.Set(h.Name, value)
	}
	return header, nil
}

func checkValue(value string) error {
	if value == "" {
		return errors.New("is empty")
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("holds a line break or another control character, which a header cannot")
		}
	}
	return nil
}

// isToken reports whether s can be a header's name.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
