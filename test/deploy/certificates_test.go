package deploy_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readCertificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(b)
	require.NotNil(t, block)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return c
}

// TestCertificates: what certificates.sh makes is accepted for what it is meant for,
// and for nothing else.
func TestCertificates(t *testing.T) {
	dir := certificates(t, "10.96.0.50", "fd00::50", "kubewitness.kubewitness.svc")
	pool := x509.NewCertPool()
	ca := readCertificate(t, filepath.Join(dir, "ca.crt"))
	pool.AddCert(ca)
	server, client := readCertificate(t, filepath.Join(dir, "tls.crt")), readCertificate(t, filepath.Join(dir, "kube-apiserver-prod.crt"))
	verify := func(c *x509.Certificate, usage x509.ExtKeyUsage) error {
		_, err := c.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	assert.NoError(t, verify(server, x509.ExtKeyUsageServerAuth))
	assert.NoError(t, verify(client, x509.ExtKeyUsageClientAuth))
	assert.Error(t, verify(server, x509.ExtKeyUsageClientAuth), "kubewitness' own certificate would send events")
	assert.Error(t, verify(client, x509.ExtKeyUsageServerAuth))
	for _, host := range []string{"10.96.0.50", "fd00::50", "kubewitness.kubewitness.svc"} {
		assert.NoError(t, server.VerifyHostname(host))
	}
	assert.Error(t, server.VerifyHostname("127.0.0.1"))
	assert.Equal(t, "kube-apiserver-prod", client.Subject.CommonName)
	assert.True(t, ca.IsCA)
	assert.False(t, server.IsCA || client.IsCA)

	for _, key := range []string{"ca.key", "tls.key", "kube-apiserver-prod.key"} {
		info, err := os.Stat(filepath.Join(dir, key))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), key)
	}
	issue(t, dir, "server", "127.0.0.1")
	renewed := readCertificate(t, filepath.Join(dir, "tls.crt"))
	assert.NoError(t, verify(renewed, x509.ExtKeyUsageServerAuth), "the authority is the one from before")
	assert.NotEqual(t, server.SerialNumber, renewed.SerialNumber)

	out, err := exec.Command(manifestPath(t, "certificates.sh"), dir, "server").CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "ADDRESS...", "it says how it is used")
}
