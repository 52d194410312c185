package kibana

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// Config says which Kibana, and who asks.
type Config struct {
	URL          string // https://kibana:5601, with the server's base path; without user and password
	Space        string // ID of the space; "": the one in URL, or the default one
	APIKeyFile   string // file with an API key in its encoded form; or
	Username     string // of basic authentication, with
	PasswordFile string // file with the password
	CAFile       string // authorities that sign Kibana's certificate, as PEM; "": the system's
	Timeout      time.Duration
}

// answerBytes is how much of an answer is read: it lists all objects.
const answerBytes = 4 << 20

var spaceForm = regexp.MustCompile(`^[a-z0-9_-]{1,100}$`)

// Import puts saved objects into a Kibana, over those that have the same IDs, and says
// how many. An error is one sentence that says what to do; objects before the one that
// it is about may be in.
func Import(ctx context.Context, cfg Config, ndjson []byte) (int, error) {
	target, err := cfg.target()
	if err != nil {
		return 0, err
	}
	body, contentType, err := form(ndjson)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("kbn-xsrf", "kubewitness") // Kibana takes no POST without
	if err := cfg.authenticate(req); err != nil {
		return 0, err
	}
	client, err := cfg.client()
	if err != nil {
		return 0, err
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return 0, errors.New(unreachable(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes+1))
	switch {
	case err != nil:
		return 0, errors.New(unreachable(err))
	case resp.StatusCode != http.StatusOK:
		return 0, errors.New(refused(resp, answer))
	case len(answer) > answerBytes:
		return 0, fmt.Errorf("the answer is longer than %d bytes; whatever stands at this URL is no Kibana", answerBytes)
	}
	return outcome(answer)
}

// target is the URL of the import.
func (c Config) target() (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("this is no URL of Kibana; write https://host:5601, with its base path if it has one, and who asks into settings of their own")
	}
	base := strings.TrimRight(c.URL, "/")
	if c.Space != "" {
		if !spaceForm.MatchString(c.Space) {
			return "", fmt.Errorf("%q is no ID of a space: lower-case letters, digits, _ and -", c.Space)
		}
		if strings.Contains(u.Path, "/s/") {
			return "", errors.New("the URL of Kibana has a space in it, and a space is given too; give one of them")
		}
		base += "/s/" + c.Space
	}
	return base + "/api/saved_objects/_import?overwrite=true", nil
}

// form is the body: one file whose name ends as Kibana wants it to.
func form(ndjson []byte) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	file, err := w.CreateFormFile("file", "kubewitness.ndjson")
	if err != nil {
		return nil, "", err
	}
	if _, err := file.Write(ndjson); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

func (c Config) authenticate(req *http.Request) error {
	switch {
	case c.APIKeyFile != "" && c.Username != "":
		return errors.New("an API key and a user are given; give one of them")
	case c.APIKeyFile != "":
		key, err := secret(c.APIKeyFile)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "ApiKey "+key)
	case c.Username != "":
		password, err := secret(c.PasswordFile)
		if err != nil {
			return err
		}
		req.SetBasicAuth(c.Username, password)
	}
	return nil
}

// secret reads a file of one line. Nothing of it is in an error.
func secret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s: not one line of text", path)
	}
	return s, nil
}

// client follows no redirects: one from an API leads to a login page, and takes the
// credentials along.
func (c Config) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in it, as PEM", c.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport: transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// outcome reads an answer with status 200, which may tell of failures all the same.
func outcome(answer []byte) (int, error) {
	var out struct {
		Success *bool `json:"success"`
		Count   int   `json:"successCount"`
		Errors  []struct {
			ID    string `json:"id"`
			Type  string `json:"type"`
			Error struct {
				Type       string `json:"type"`
				Message    string `json:"message"`
				References []struct {
					ID   string `json:"id"`
					Type string `json:"type"`
				} `json:"references"`
			} `json:"error"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(answer, &out); err != nil || out.Success == nil {
		return 0, errors.New("the answer is not that of an import; whatever stands at this URL is no Kibana")
	}
	if *out.Success {
		return out.Count, nil
	}
	if len(out.Errors) == 0 {
		return out.Count, fmt.Errorf("%d objects are in and others are not; Kibana does not say why", out.Count)
	}
	first := out.Errors[0]
	why := first.Error.Type
	switch {
	case first.Error.Message != "":
		why = clean(first.Error.Message)
	case first.Error.Type == "missing_references" && len(first.Error.References) > 0:
		why = fmt.Sprintf("it refers to the %s %q, which is not there", first.Error.References[0].Type, first.Error.References[0].ID)
	case first.Error.Type == "unsupported_type":
		why = "this Kibana has no objects of the type"
	}
	return out.Count, fmt.Errorf("%d objects are in and %d are not; the first of these is the %s %q: %s", out.Count, len(out.Errors), first.Type, first.ID, why)
}
