package elasticsearch

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says which cluster, and who asks. Files are read again when a call fails for
// want of rights, so that they can be replaced under a running service.
type Config struct {
	Nodes        []string      // URLs, http:// or https://, without credentials; or
	CloudID      string        // of Elastic Cloud
	APIKeyFile   string        // file with the encoded API key (what the API gives as "encoded")
	Username     string        // of basic authentication, with
	PasswordFile string        // file with the password
	CAFile       string        // authorities that sign the nodes' certificates, as PEM; "": the system's
	CertFile     string        // certificate to show to the nodes, as PEM
	KeyFile      string        // its private key
	Timeout      time.Duration // of one request; 0: 60 s
	Gzip         bool          // compress bodies of requests
	UserAgent    string
	Now          func() time.Time // for certificates, and times that servers ask to wait until
}

const defaultTimeout = 60 * time.Second

// check returns the URLs of the nodes, or what is wrong with the configuration. No error
// quotes what may be a secret.
func (cfg *Config) check() (nodes []string, err error) {
	switch {
	case len(cfg.Nodes) > 0 && cfg.CloudID != "":
		return nil, errors.New("there are nodes and a cloud id; give one of them")
	case len(cfg.Nodes) == 0 && cfg.CloudID == "":
		return nil, errors.New("there are no nodes and no cloud id; give one of them")
	case cfg.APIKeyFile != "" && (cfg.Username != "" || cfg.PasswordFile != ""):
		return nil, errors.New("there are an API key and a user; give one of them")
	case (cfg.Username == "") != (cfg.PasswordFile == ""):
		return nil, errors.New("a user and the file with the password go together; give both or none")
	case (cfg.CertFile == "") != (cfg.KeyFile == ""):
		return nil, errors.New("a certificate and the file with its key go together; give both or none")
	case strings.ContainsAny(cfg.Username, ":\r\n"):
		return nil, errors.New("the user's name has a colon or the end of a line in it, which basic authentication does not allow")
	case cfg.Now == nil:
		return nil, errors.New("there is no clock")
	}
	if cfg.CloudID != "" {
		node, err := cloudNode(cfg.CloudID)
		return []string{node}, err
	}
	for i, text := range cfg.Nodes {
		node, err := nodeURL(text)
		if err != nil {
			return nil, fmt.Errorf("node %d %w", i+1, err)
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

func nodeURL(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return "", errors.New("is no URL; write https://HOST:9200")
	case u.User != nil:
		return "", errors.New("has credentials in its URL; put them into files")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return "", errors.New("is not of the form https://HOST:PORT; write https://HOST:9200")
	case u.RawQuery != "", u.Fragment != "", u.RawPath != "":
		return "", errors.New("has a query, a fragment or an escaped path; write https://HOST:9200")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.Path, "/"), nil
}

// cloudNode finds the address in a cloud id: a label, a colon, and in base64 the domain
// and the names of Elasticsearch and Kibana in it, with $ between them. Each may have a
// port.
func cloudNode(id string) (string, error) {
	bad := errors.New("the cloud id is none; copy it from the deployment's page of Elastic Cloud")
	encoded := id[strings.LastIndexByte(id, ':')+1:]
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", bad
	}
	parts := strings.Split(string(b), "$")
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return "", bad
	}
	domain, port, _ := strings.Cut(parts[0], ":")
	name, own, _ := strings.Cut(parts[1], ":")
	if own != "" {
		port = own
	}
	if port == "" {
		port = "443"
	}
	node, err := nodeURL("https://" + name + "." + domain + ":" + port)
	if err != nil {
		return "", bad
	}
	return node, nil
}

// files is what the files of a configuration have in them.
type files struct{ apiKey, password, ca, cert, key []byte }

func (f files) equal(g files) bool {
	return bytes.Equal(f.apiKey, g.apiKey) && bytes.Equal(f.password, g.password) &&
		bytes.Equal(f.ca, g.ca) && bytes.Equal(f.cert, g.cert) && bytes.Equal(f.key, g.key)
}

// mostFile is far more than any of the files has.
const mostFile = 1 << 20

func (cfg *Config) read() (files, error) {
	var f files
	for _, one := range []struct {
		path, what string
		to         *[]byte
	}{
		{cfg.APIKeyFile, "the API key", &f.apiKey},
		{cfg.PasswordFile, "the password", &f.password},
		{cfg.CAFile, "the authorities", &f.ca},
		{cfg.CertFile, "the certificate", &f.cert},
		{cfg.KeyFile, "the certificate's key", &f.key},
	} {
		if one.path == "" {
			continue
		}
		b, err := os.ReadFile(one.path)
		if err != nil {
			return f, fmt.Errorf("%s: %w", one.what, err)
		}
		switch b = bytes.TrimSpace(b); {
		case len(b) == 0:
			return f, fmt.Errorf("%s: file %s is empty", one.what, one.path)
		case len(b) > mostFile:
			return f, fmt.Errorf("%s: file %s is larger than 1 MiB; it is another file", one.what, one.path)
		}
		*one.to = b
	}
	return f, f.checkKey(cfg.APIKeyFile)
}

// checkKey holds that an API key is one. The two parts of a key, id and key with a colon
// between them, become the encoded form.
func (f *files) checkKey(path string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_:"
	if strings.Trim(string(f.apiKey), letters) != "" {
		return fmt.Errorf("the API key: file %s has something else in it than one encoded key", path)
	}
	if bytes.IndexByte(f.apiKey, ':') > 0 {
		f.apiKey = []byte(base64.StdEncoding.EncodeToString(f.apiKey))
	}
	return nil
}
