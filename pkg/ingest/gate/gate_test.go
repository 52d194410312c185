package gate

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	token  = "token-of-prod-0123456789"
	secret = "secret-in-path-0123456789"
)

func TestAdmit(t *testing.T) {
	g := New(Config{Prefix: "x", Clusters: []string{"prod", "lab"}, DefaultCluster: "lab"})
	require.NoError(t, g.SetCredentials([]Credential{
		{Name: "token", Token: token, Clusters: []string{"prod"}},
		{Name: "path", PathSecret: secret, Clusters: []string{AnyCluster}},
		{Name: "certificate", CertificateName: "api", Clusters: []string{"prod", "lab"}},
	}))
	for _, tt := range []struct {
		name, path, bearer, certificate string
		want                            Pass
		status                          int
	}{
		{"a token", "/x/prod", token, "", Pass{"prod", ByToken}, 0},
		{"its only cluster", "/x", token, "", Pass{"prod", ByToken}, 0},
		{"another cluster", "/x/lab", token, "", Pass{}, 403},
		{"a wrong token, though the path would do", "/x/lab/" + secret, "wrong", "", Pass{}, 401},
		{"a secret in the path", "/x/lab/" + secret, "", "", Pass{"lab", ByPath}, 0},
		{"a cluster that is not listed", "/x/moon/" + secret, "", "", Pass{}, 403},
		{"a certificate, before the path", "/x/prod/" + secret, "", "api", Pass{"prod", ByCertificate}, 0},
		{"the default cluster", "/", "", "api", Pass{"lab", ByCertificate}, 0},
		{"a certificate of somebody", "/x/prod", "", "somebody", Pass{}, 401},
		{"no proof", "/x/prod", "", "", Pass{}, 401},
		{"no proof, no path of ours", "/y", "", "", Pass{}, 401},
		{"no path of ours", "/y", token, "", Pass{}, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, tt.path+"?timeout=2s", nil)
			if tt.bearer != "" {
				r.Header.Set("Authorization", "Bearer "+tt.bearer)
			}
			if tt.certificate != "" {
				leaf := &x509.Certificate{Subject: pkix.Name{CommonName: tt.certificate}}
				r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
			}
			pass, err := g.Admit(r)
			if tt.status == 0 {
				require.NoError(t, err)
				assert.Equal(t, tt.want, pass)
				return
			}
			var no Refusal
			require.True(t, errors.As(err, &no), "%v", err)
			assert.Equal(t, tt.status, no.Status)
			assert.NotContains(t, no.Text, secret)
		})
	}
}

func TestOpen(t *testing.T) {
	g := New(Config{Prefix: "x", Clusters: []string{"prod"}, Open: true})
	pass, err := g.Admit(httptest.NewRequest(http.MethodPost, "/x/prod", nil))
	require.NoError(t, err)
	assert.Equal(t, Pass{"prod", Unproved}, pass)
	_, err = g.Admit(httptest.NewRequest(http.MethodPost, "/x/moon", nil))
	assert.Error(t, err)
}
