package record

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func TestEnvelopeHoldsNoSecret(t *testing.T) {
	e, err := audit.NewReader(strings.NewReader(`{"apiVersion":"audit.k8s.io/v1","kind":"Event","auditID":"a","stage":"ResponseComplete",`+
		`"user":{"username":"jane"},"requestURI":"/x?token=s3cret","requestObject":{"data":"s3cret"},"a/b~c":"s3cret","stageTimestamp":"2026-11-21T10:00:00Z"}`),
		"test", audit.Limits{}).Next()
	require.NoError(t, err)
	raw, left := Envelope(e)
	assert.Equal(t, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","user":{"username":"jane"},`+
		`"stageTimestamp":"2026-11-21T10:00:00Z"}`, string(raw))
	assert.Equal(t, []string{"/requestURI", "/requestObject", "/a~1b~0c"}, left)
}
